/* Any bytes as a request of lib/authask.h: what is read, written again, is the same
 * bytes, and no field is longer than its limit. The client is then looked at as qauth
 * does. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qauth/throttle.h"
#include "authask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct auth_want *w, const char *p, size_t size)
{
	char again[LIMIT_AUTHFRAME];
	struct throttle_key k;
	size_t n;

	if (authask_put(again, &n, w) == -1 || n != size || memcmp(again, p, n) != 0)
		abort();
	if (strlen(w->service) > LIMIT_SERVICE || strlen(w->user) > LIMIT_LOGIN ||
	    strlen(w->password) > LIMIT_PASSWORD || strlen(w->word) > LIMIT_AUTHWORD)
		abort();
	(void)throttle_key(&k, w->client, w->user);
	if (throttle_failed(&k, w->user, w->password, 1) == 0 ||
	    throttle_turn(&k, 1) == 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct auth_want w;
	char *p;

	if (size > LIMIT_AUTHFRAME)
		return 0;
	p = malloc(size > 0 ? size : 1);
	if (p == NULL)
		abort();
	if (size > 0)
		memcpy(p, data, size);
	if (authask_get(&w, p, size) == 0)
		look(&w, p, size);
	free(p);
	return 0;
}
