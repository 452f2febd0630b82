#include "maildir/rows.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir/box.h"
#include "maildir/cache_int.h"

/* Dead bytes that harm nobody, and those behind which no others are looked for: the oldest
 * messages go first, and their rows stand first. */
enum { PIECE = 2 * ROWS_BLOCK, FEW = 65536, MANY = 64 * 1024 * 1024 };

static const uint64_t magic = 0x3230776f526e6951;

struct block {
	uint64_t magic;
	uint64_t n;
	uint64_t sum;
};

struct row {
	uint32_t uid;
	uint32_t hash;
	uint32_t n;
};

/* ---- reading ---- */

struct reader {
	struct rows *r;
	rows_have *have;
	void *arg;
	size_t next; /* the ordinal that is looked for first */
};

/* The ordinal of a row's message, or the box's count. */
static size_t find(struct reader *in, const struct row *row)
{
	struct box *b = in->r->box;
	const struct msg *m = box_at(b, in->next);
	size_t i = in->next;

	if (m == NULL || m->uid != row->uid) {
		i = box_find(b, row->uid);
		m = box_at(b, i);
	}
	return m != NULL && m->uid == row->uid && m->hash == row->hash ? i : b->count;
}

static int take_rows(struct reader *in, const char *p, size_t n)
{
	struct row row;
	size_t i;

	for (; n >= sizeof row; p += row.n, n -= row.n) {
		memcpy(&row, p, sizeof row);
		p += sizeof row;
		n -= sizeof row;
		if (row.n > n)
			return -1;
		i = find(in, &row);
		if (i < in->r->box->count) {
			in->have(in->arg, i, p, row.n);
			in->next = i + 1;
			in->r->live += row.n;
		} else {
			in->r->dead += row.n;
		}
	}
	return n == 0 ? 0 : -1;
}

/* Whole blocks at p: the bytes used; -1: that is none. */
static ssize_t take_blocks(struct reader *in, const char *p, size_t n)
{
	struct block block;
	size_t used = 0;

	while (n - used >= sizeof block) {
		const char *rows = p + used + sizeof block;

		memcpy(&block, p + used, sizeof block);
		if (block.magic != magic || block.n > ROWS_BLOCK)
			return -1;
		if (block.n > n - used - sizeof block)
			break;
		if (block.sum != cache_sum(magic, rows, (size_t)block.n) ||
		    take_rows(in, rows, (size_t)block.n) == -1)
			return -1;
		used += sizeof block + (size_t)block.n;
	}
	return (ssize_t)used;
}

static int is_dead(const struct rows *r, uint64_t few)
{
	return r->dead > few && r->dead > r->live;
}

/* What is left at the end is a block that was cut off. */
static int read_file(struct reader *in, char *p)
{
	struct rows *r = in->r;
	uint64_t at = 0;
	size_t have = 0;
	ssize_t n = 0;

	while (!is_dead(r, MANY) &&
	       (n = pread(r->fd, p + have, PIECE - have, (off_t)at)) > 0) {
		at += (uint64_t)n;
		have += (size_t)n;
		n = take_blocks(in, p, have);
		if (n == -1)
			return -1;
		have -= (size_t)n;
		memmove(p, p + n, have);
	}
	return is_dead(r, FEW) || have > 0 || n == -1 ? -1 : 0;
}

void rows_read(struct rows *r, struct box *b, const char *name, rows_have *have,
	       void *arg)
{
	struct reader in = {.r = r, .have = have, .arg = arg};
	char *p = malloc(PIECE);

	*r = (struct rows){.box = b, .name = name, .fd = -1};
	sbuf_init(&r->block, ROWS_BLOCK + sizeof(struct block));
	if (p == NULL)
		return;
	r->fd =
	    openat(b->dir, name, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (r->fd != -1)
		r->junk = read_file(&in, p) == -1;
	free(p);
}

/* ---- writing ---- */

/* A write with O_APPEND is whole, or the disk is full. */
static void put_block(struct rows *r)
{
	struct block block = {.magic = magic, .n = r->block.len - sizeof block};

	if (r->fd == -1)
		r->fd = openat(r->box->dir, r->name,
			       O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK |
				   O_CLOEXEC,
			       0600);
	block.sum = cache_sum(magic, r->block.p + sizeof block, (size_t)block.n);
	memcpy(r->block.p, &block, sizeof block);
	if (r->fd == -1 ||
	    write(r->fd, r->block.p, r->block.len) != (ssize_t)r->block.len)
		r->junk = 1;
	sbuf_clear(&r->block);
}

void rows_add(struct rows *r, size_t i, const char *p, size_t n)
{
	static const struct block none;
	const struct msg *m = box_at(r->box, i);
	struct row row = {.n = (uint32_t)n};

	if (m == NULL || n > ROWS_ROW || r->junk)
		return;
	row.uid = m->uid;
	row.hash = m->hash;
	if (r->block.len + sizeof row + n > ROWS_BLOCK)
		put_block(r);
	if (sbuf_reserve(&r->block, sizeof none + sizeof row + n) == -1 ||
	    (r->block.len == 0 && sbuf_cat(&r->block, &none, sizeof none) == -1) ||
	    sbuf_cat(&r->block, &row, sizeof row) == -1 ||
	    sbuf_cat(&r->block, p, n) == -1)
		r->junk = 1;
}

void rows_end(struct rows *r)
{
	if (r->block.len > 0 && !r->junk)
		put_block(r);
	if (r->junk)
		(void)unlinkat(r->box->dir, r->name, 0);
	if (r->fd != -1)
		(void)close(r->fd);
	r->fd = -1;
	sbuf_free(&r->block);
}
