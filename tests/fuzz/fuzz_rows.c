/* Any bytes as a file of rows, as they are or as one block whose sum fits, perhaps behind others, near
 * the end of what is read at once; what is added afterwards is found. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../qimapd/sortrow.h"
#include "../unit/fakebox.h"
#include "place.h"
#include "maildir/cache_int.h"
#include "maildir/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGES = 4, MOST = 65536 };

static const char name[] = "rows";
static const uint64_t magic = 0x3230776f526e6951;

static void write_block(int fd, const void *p, size_t n)
{
	uint64_t head[3] = {magic, n, cache_sum(magic, p, n)};

	check(write(fd, head, sizeof head) == (ssize_t)sizeof head);
	check(write(fd, p, n) == (ssize_t)n);
}

/* One row of the first message. */
static void write_filler(int fd, size_t n)
{
	static uint32_t row[ROWS_BLOCK / 4] = {1, 0};

	row[2] = (uint32_t)(n - 12);
	write_block(fd, row, n);
}

/* So that a block of size bytes ends about where what is read at once does. */
static void write_others(int fd, size_t size, unsigned about)
{
	enum { HEAD = 24, READ = 2 * ROWS_BLOCK };

	write_filler(fd, ROWS_BLOCK);
	write_filler(fd, READ - 3 * HEAD - ROWS_BLOCK - size + about % 8 - 4);
}

static void make_file(const uint8_t *data, size_t size)
{
	int fd = openat(fuzz_dir, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	check(fd != -1);
	if (size % 4 == 3 && size < MOST / 2)
		write_others(fd, size, data[0]);
	if (size % 2 == 1)
		write_block(fd, data, size);
	else
		check(write(fd, data, size) == (ssize_t)size);
	check(close(fd) == 0);
}

static size_t hits, own;

static void have(void *arg, size_t i, const char *p, size_t n)
{
	const struct box *b = arg;
	struct sortrow keys;

	check(i < b->count && n <= ROWS_BLOCK);
	for (size_t k = 0; k < n; k++)
		hits += p[k] == 'x';
	own += i == 1 && n == 3 && memcmp(p, "xyz", 3) == 0;
	if (sortrow_read(&keys, p, n) == -1)
		return;
	for (size_t t = 0; t < SORTROW_TEXTS; t++)
		check(keys.text[t].p + keys.text[t].n <= p + n);
}

static void read_and_add(struct box *b, int adds)
{
	struct rows r;

	own = 0;
	rows_read(&r, b, name, have, b);
	if (adds)
		rows_add(&r, 1, "xyz", 3);
	rows_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct box *b;

	if (size > MOST)
		return 0;
	fuzz_place();
	make_file(data, size);
	b = fakebox_new(fuzz_dir, MESSAGES);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		b->list->m[i].uid = i + 1;
		b->list->m[i].hash = i;
	}
	read_and_add(b, 1);
	read_and_add(b, 1); /* where the file was junk it has gone */
	read_and_add(b, 0);
	check(own > 0);
	fakebox_free(b);
	return 0;
}
