/* A good quoin-index with bytes changed, and sums made right again if the first byte says
 * so: the folder opens, and shows messages or an error, never anything else's memory. The
 * rest of the input: places (three bytes) and what is put there (one). The first byte chooses
 * the folder, too: one has two blocks, in the other a place is soon met. */
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

struct folder {
	unsigned messages;
	int dir;
	char top[40];
	char *good;
	size_t good_len;
};

static struct folder large = {.messages = 300}, small = {.messages = 6};

static void check(int ok)
{
	if (!ok)
		abort();
}

static void clean_up(void)
{
	(void)!scratch_remove(large.top);
	(void)!scratch_remove(small.top);
	free(large.good);
	free(small.good);
}

static void put_file(int dir, unsigned i)
{
	char name[40];
	int fd;

	(void)snprintf(name, sizeof name, "cur/%u.x,S=2,W=3:2,%s", 1000 + i,
		       i % 2 ? "S" : "");
	fd = openat(dir, name, O_WRONLY | O_CREAT, 0600);
	check(fd != -1 && write(fd, "a\n", 2) == 2 && close(fd) == 0);
}

static void make_folder(struct folder *f)
{
	char *top = f->top;
	struct box b;
	struct stat st;
	int fd;

	(void)snprintf(top, sizeof f->top, "/dev/shm/fuzz-index-XXXXXX");
	if (mkdtemp(top) == NULL) {
		(void)snprintf(top, sizeof f->top, "/tmp/fuzz-index-XXXXXX");
		check(mkdtemp(top) != NULL);
	}
	f->dir = open(top, O_RDONLY | O_DIRECTORY);
	check(f->dir != -1 && mkdirat(f->dir, "new", 0700) == 0 &&
	      mkdirat(f->dir, "cur", 0700) == 0 && mkdirat(f->dir, "tmp", 0700) == 0);
	for (unsigned i = 0; i < f->messages; i++)
		put_file(f->dir, i);
	check(box_open(&b, dup(f->dir), 0) == 0 && box_keyword_bit(&b, "word", 1) == 0);
	box_close(&b);
	fd = openat(f->dir, "quoin-index", O_RDONLY);
	check(fd != -1 && fstat(fd, &st) == 0);
	f->good_len = (size_t)st.st_size;
	f->good = malloc(f->good_len);
	check(f->good != NULL && read(fd, f->good, f->good_len) == (ssize_t)f->good_len);
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

static void look(int dir)
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
		bytes += m->name[(uint8_t)m->name[-1]] == '\0'; /* its slot's last byte */
	}
	check(box_counts(&b, &c, 0) == 0);
	check(box_find(&b, 150) <= b.count);
	check(box_sync(&b) == 0 || errno != EFAULT);
	check(bytes < b.count * (MSG_NAME + 1) + 1);
	box_close(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct folder *f = size > 0 && data[0] & 4 ? &small : &large;
	size_t n;
	char *p;
	int fd;

	if (f->good == NULL) {
		(void)atexit(clean_up);
		make_folder(&large);
		make_folder(&small);
	}
	if (size == 0)
		return 0;
	p = malloc(f->good_len);
	check(p != NULL);
	memcpy(p, f->good, f->good_len);
	for (size_t i = 1; i + 3 < size; i += 4)
		p[((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) %
		  f->good_len] = (char)data[i + 3];
	n = data[0] & 2 ? f->good_len - data[0] : f->good_len;
	if (data[0] & 1)
		mend(p, f->good_len);
	(void)unlinkat(f->dir, "quoin-index", 0);
	fd = openat(f->dir, "quoin-index", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd != -1 && write(fd, p, n) == (ssize_t)n && close(fd) == 0);
	look(f->dir);
	free(p);
	return 0;
}
