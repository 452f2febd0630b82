/* The reader of cdb tables. Input: a key's length, the key, the file. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_up(struct table *t, const uint8_t *key, size_t n)
{
	const char *value;
	size_t len;

	if (table_get(t, key, n, &value, &len) != 1)
		return;
	if (len > t->size)
		abort();
	/* touch it all: the value must be as long as it says */
	for (size_t i = 0; i < len; i++)
		__asm__ volatile("" : : "r"(value[i]));
	if (value[len] != '\0')
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct table t;
	char path[64];
	size_t keylen;

	if (size < 1 || size - 1 < data[0])
		return 0;
	keylen = data[0];
	if (fd == -1)
		fd = memfd_create("table", 0);
	if (ftruncate(fd, 0) == -1 ||
	    pwrite(fd, data + 1 + keylen, size - 1 - keylen, 0) == -1)
		return 0;
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (table_open(&t, path) != 1)
		return 0;
	look_up(&t, data + 1, keylen);
	look_up(&t, (const uint8_t *)"", 0);
	table_close(&t);
	return 0;
}
