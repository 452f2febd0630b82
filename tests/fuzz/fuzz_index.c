/* A good quoin-index with bytes changed, and sums made right again if the first byte says
 * so: the folder opens, and shows messages or an error, never anything else's memory. The
 * rest of the input: places (three bytes) and what is put there (one). */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_index.h"
#include "../unit/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MESSAGES = 300 };

static int dir = -1;
static char top[40];
static char *good;
static size_t good_len;

static void check(int ok)
{
	if (!ok)
		abort();
}

static void clean_up(void)
{
	(void)!scratch_remove(top);
	free(good);
}

static void put_file(unsigned i)
{
	char name[40];
	int fd;

	(void)snprintf(name, sizeof name, "cur/%u.x,S=2,W=3:2,%s", 1000 + i,
		       i % 2 ? "S" : "");
	fd = openat(dir, name, O_WRONLY | O_CREAT, 0600);
	check(fd != -1 && write(fd, "a\n", 2) == 2 && close(fd) == 0);
}

static void make_folder(void)
{
	struct box b;
	struct stat st;
	int fd;

	(void)snprintf(top, sizeof top, "/dev/shm/fuzz-index-XXXXXX");
	if (mkdtemp(top) == NULL) {
		(void)snprintf(top, sizeof top, "/tmp/fuzz-index-XXXXXX");
		check(mkdtemp(top) != NULL);
	}
	(void)atexit(clean_up);
	dir = open(top, O_RDONLY | O_DIRECTORY);
	check(dir != -1 && mkdirat(dir, "new", 0700) == 0 &&
	      mkdirat(dir, "cur", 0700) == 0 && mkdirat(dir, "tmp", 0700) == 0);
	for (unsigned i = 0; i < MESSAGES; i++)
		put_file(i);
	check(box_open(&b, dup(dir), 0) == 0 && box_keyword_bit(&b, "word", 1) == 0);
	box_close(&b);
	fd = openat(dir, "quoin-index", O_RDONLY);
	check(fd != -1 && fstat(fd, &st) == 0);
	good_len = (size_t)st.st_size;
	good = malloc(good_len);
	check(good != NULL && read(fd, good, good_len) == (ssize_t)good_len);
	(void)close(fd);
}

/* Sums that fit whatever stands there now. */
static void mend(char *p, size_t n)
{
	struct index_head *h = (struct index_head *)(void *)p;
	size_t skip = offsetof(struct index_head, boot);

	if (h->blocks <= INDEX_BLOCKS && h->tail_at < n &&
	    h->tail_len <= n - h->tail_at &&
	    h->blocks * sizeof(struct index_block) <= h->tail_len) {
		char *table =
		    p + h->tail_at + h->tail_len - h->blocks * sizeof(struct index_block);

		for (size_t i = 0; i < h->blocks; i++) {
			struct index_block k;
			size_t len;

			memcpy(&k, table + i * sizeof k, sizeof k);
			len = k.n * sizeof(struct msg);
			if (k.n <= BLOCK && k.at < n && len < n - k.at &&
			    k.names_len <= n - k.at - len)
				k.check = boxsum_bytes(p + k.at, len) ^
					  boxsum_bytes(p + k.at + len, k.names_len);
			memcpy(table + i * sizeof k, &k, sizeof k);
		}
		h->tail_check = boxsum_bytes(p + h->tail_at, h->tail_len);
	}
	h->check = boxsum_bytes(p + skip, sizeof *h - skip);
}

static void look(void)
{
	struct box_counts c;
	struct box b;
	int fd = dup(dir);
	size_t bytes = 0;
	uint32_t last = 0;

	if (box_open(&b, fd, 0) == -1) {
		(void)close(fd);
		return;
	}
	for (size_t i = 0; i < b.count; i++) {
		struct msg *m = box_at(&b, i);

		if (m == NULL)
			continue;
		check(m->uid > last && strlen(m->name) <= MSG_NAME);
		last = m->uid;
		bytes += strlen(m->name);
	}
	check(box_counts(&b, &c, 0) == 0);
	check(box_find(&b, 150) <= b.count);
	check(box_sync(&b) == 0 || errno != EFAULT);
	check(bytes < b.count * (MSG_NAME + 1) + 1);
	box_close(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n;
	char *p;
	int fd;

	if (dir == -1)
		make_folder();
	if (size == 0)
		return 0;
	p = malloc(good_len);
	check(p != NULL);
	memcpy(p, good, good_len);
	for (size_t i = 1; i + 3 < size; i += 4)
		p[((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) %
		  good_len] = (char)data[i + 3];
	n = data[0] & 2 ? good_len - data[0] : good_len;
	if (data[0] & 1)
		mend(p, good_len);
	(void)unlinkat(dir, "quoin-index", 0);
	fd = openat(dir, "quoin-index", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd != -1 && write(fd, p, n) == (ssize_t)n && close(fd) == 0);
	look();
	free(p);
	return 0;
}
