/* Any bytes as the name of a file: what is made of it reads as the flags that were asked
 * for, with the same base, fields and foreign letters; and to make it again changes
 * nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

/* Letters that are no flags, in their order. */
static size_t others(char *out, const char *name, const struct msg_name *n)
{
	size_t len = 0;

	if (strncmp(name + n->info, ":2,", 3) != 0)
		return 0;
	for (const char *c = name + n->info + 3; *c != '\0'; c++)
		if (strchr("PRSTDF", *c) == NULL)
			out[len++] = *c;
	return len;
}

static void try_flags(const char *name, const struct msg_name *n, unsigned flags)
{
	char out[MSG_NAME + 1];
	char again[MSG_NAME + 1];
	char a[MSG_NAME];
	char b[MSG_NAME];
	struct msg_name m;
	size_t len;

	if (msg_name_make(out, name, flags) == -1)
		return;
	check(strlen(out) <= MSG_NAME && msg_name_read(&m, out) == 0);
	check(m.flags == flags && m.base == n->base && m.info == n->info);
	check(memcmp(out, name, n->info) == 0);
	len = others(a, name, n);
	check(others(b, out, &m) == len && memcmp(a, b, len) == 0);
	check(msg_name_make(again, out, flags) == 0 && strcmp(again, out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_name n;
	char *name;

	if (size == 0)
		return 0;
	name = malloc(size);
	check(name != NULL);
	memcpy(name, data + 1, size - 1);
	name[size - 1] = '\0';
	if (msg_name_read(&n, name) == 0) {
		check(n.base > 0 && n.base <= n.info && n.info <= strlen(name));
		check((n.flags & ~63U) == 0);
		try_flags(name, &n, n.flags);
		try_flags(name, &n, data[0] & 63);
	}
	free(name);
	return 0;
}
