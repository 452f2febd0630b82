/* What stands on descriptor 3 of a checkpassword program. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qauth/creds.h"
#include "authask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *s, size_t max, const struct creds *c, size_t size)
{
	if (s < c->buf || s + strlen(s) >= c->buf + size || strlen(s) > max)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct creds *c = malloc(sizeof *c);

	if (c == NULL)
		abort();
	if (size <= sizeof c->buf) {
		memset(c->buf, 'x', sizeof c->buf);
		if (size > 0)
			memcpy(c->buf, data, size);
		if (creds_parse(c, size) == 0) {
			check(c->user, LIMIT_LOGIN, c, size);
			check(c->password, LIMIT_PASSWORD, c, size);
			if (c->third[0] != '\0')
				check(c->third, CREDS_MAX, c, size);
		}
	}
	free(c);
	return 0;
}
