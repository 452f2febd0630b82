#include "sortkept.h"

#include <stdlib.h>
#include <string.h>

static struct {
	struct sortkept_keys keys;
	size_t n;
	uint32_t *at; /* n ordinals, then their order; NULL: nothing is kept */
} kept;

int sortkept_get(const struct sortkept_keys *k, const uint32_t *at, size_t n,
		 uint32_t *order)
{
	if (kept.at == NULL || kept.n != n ||
	    memcmp(&kept.keys, k, sizeof kept.keys) != 0 ||
	    memcmp(kept.at, at, n * sizeof *at) != 0)
		return 0;
	memcpy(order, kept.at + n, n * sizeof *order);
	return 1;
}

void sortkept_put(const struct sortkept_keys *k, const uint32_t *at, size_t n,
		  const uint32_t *order)
{
	sortkept_forget();
	if (n == 0 || n > SORTKEPT_MESSAGES)
		return;
	kept.at = malloc(2 * n * sizeof *kept.at);
	if (kept.at == NULL)
		return;
	memcpy(kept.at, at, n * sizeof *at);
	memcpy(kept.at + n, order, n * sizeof *order);
	kept.keys = *k;
	kept.n = n;
}

void sortkept_forget(void)
{
	free(kept.at);
	kept.at = NULL;
}
