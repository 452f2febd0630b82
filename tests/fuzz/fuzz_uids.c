/* Any bytes as quoin-uids. The first byte chooses: raw bytes, or bodies that get right sums,
 * so that the readers behind the checksum are met; and whether a folder is opened with it.
 * What is read as whole is the same when it is read again, and no uid stands twice in a
 * list. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_int.h"
#include "../unit/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int dir = -1;
static char top[40];

static void check(int ok)
{
	if (!ok)
		abort();
}

static void clean_up(void)
{
	(void)!scratch_remove(top);
}

static void make_folder(void)
{
	(void)snprintf(top, sizeof top, "/dev/shm/fuzz-uids-XXXXXX");
	if (mkdtemp(top) == NULL) {
		(void)snprintf(top, sizeof top, "/tmp/fuzz-uids-XXXXXX");
		check(mkdtemp(top) != NULL);
	}
	(void)atexit(clean_up);
	dir = open(top, O_RDONLY | O_DIRECTORY);
	check(dir != -1 && mkdirat(dir, "new", 0700) == 0 &&
	      mkdirat(dir, "cur", 0700) == 0 && mkdirat(dir, "tmp", 0700) == 0);
}

/* Bodies, each behind two bytes of length. */
static void frame(struct sbuf *b, const uint8_t *p, size_t n)
{
	while (n > 2) {
		struct sbuf record = SBUF_INIT(1 << 20);
		size_t len = (size_t)p[0] << 8 | p[1];

		if (len > n - 2)
			len = n - 2;
		check(boxlog_begin(&record) == 0 && sbuf_cat(&record, p + 2, len) == 0 &&
		      sbuf_reserve(&record, SUM_LEN) == 0);
		boxrecord_seal(&record, 77, b->len, p[1]);
		check(sbuf_cat(b, record.p, record.len) == 0);
		sbuf_free(&record);
		p += 2 + len;
		n -= 2 + len;
	}
}

static void write_file(const struct sbuf *b)
{
	int fd;

	(void)unlinkat(dir, "quoin-index", 0);
	fd = openat(dir, "quoin-uids", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	check(fd != -1 && write(fd, b->p, b->len) == (ssize_t)b->len && close(fd) == 0);
}

static int count(void *arg, struct box_item item)
{
	struct box_entry e;
	int r;

	while ((r = boxitem_next(&item, &e)) == 1) {
		check(e.text == NULL || e.text + e.len <= item.c.p);
		++*(size_t *)arg;
	}
	check(r == 0);
	return 0;
}

static size_t read_log(uint64_t *off)
{
	struct box_log l;
	unsigned news;
	size_t n = 0;

	if (boxlog_open(&l, dir) == 0)
		(void)boxlog_read(&l, count, &n, &news);
	*off = l.off;
	boxlog_close(&l);
	return n;
}

static void open_folder(void)
{
	struct box b;
	int fd = dup(dir);
	uint32_t last = 0;

	if (box_open(&b, fd, 0) == -1) {
		(void)close(fd);
		return;
	}
	for (size_t i = 0; i < b.count; i++) {
		struct msg *m = box_at(&b, i);

		check(m != NULL && m->uid > last && m->uid < b.uidnext);
		last = m->uid;
	}
	check(b.uidvalidity != 0);
	box_close(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbuf b = SBUF_INIT(1 << 24);
	uint64_t first;
	uint64_t again;
	size_t n;

	if (dir == -1)
		make_folder();
	if (size == 0)
		return 0;
	if (data[0] & 1) {
		char head[LOG_HEAD];

		boxrecord_head(head, 77, 0, LOG_HEAD);
		check(sbuf_cat(&b, head, sizeof head) == 0);
		frame(&b, data + 1, size - 1);
	} else {
		check(sbuf_cat(&b, data + 1, size - 1) == 0);
	}
	if (b.len > 0) {
		write_file(&b);
		n = read_log(&first);
		check(read_log(&again) == n && first == again &&
		      first <= b.len + LOG_HEAD);
		if (data[0] & 2)
			open_folder();
	}
	sbuf_free(&b);
	return 0;
}
