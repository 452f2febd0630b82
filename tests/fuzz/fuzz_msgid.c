/* Any message before qqueue's look for a Message-ID: cut anywhere it finds the same, a
 * word within its limit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qqueue/msgid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct msgid whole;
	struct msgid cut;
	size_t at = size > 0 ? data[0] % (size + 1) : 0;

	msgid_init(&whole);
	msgid_add(&whole, p, size);
	msgid_init(&cut);
	msgid_add(&cut, p, at);
	msgid_add(&cut, p + at, size - at);
	if (whole.len > LIMIT_MSGID || strlen(whole.value) != whole.len ||
	    strcmp(whole.value, cut.value) != 0 || strpbrk(whole.value, " \t\n") != NULL)
		abort();
	return 0;
}
