#include "wipe.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

static void *take(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(n);
}

static void give_back(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p != NULL)
		explicit_bzero(p, malloc_usable_size(p));
	free(p);
}

/* realloc() would leave the old place as it was. */
static void *resize(void *p, size_t n, const char *file, int line)
{
	size_t had = p != NULL ? malloc_usable_size(p) : 0;
	void *q;

	if (p != NULL && n > 0 && n <= had)
		return p;
	q = n > 0 ? malloc(n) : NULL;
	if (q == NULL && n > 0)
		return NULL;
	if (q != NULL && p != NULL)
		memcpy(q, p, had);
	give_back(p, file, line);
	return q;
}

int wipe_what_is_freed(void)
{
	return CRYPTO_set_mem_functions(take, resize, give_back) == 1 ? 0 : -1;
}
