#include "drop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir/quota.h"
#include "prog.h"
#include "sum.h"

int drop_open(struct drop *d, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return -1;
	if (box_open(&d->box, fd, BOX_CLAIM | BOX_MAKE) == -1) {
		(void)close(fd);
		return -1;
	}
	d->mark = calloc(d->box.count + 1, 1);
	return d->mark == NULL ? -1 : 0;
}

void drop_close(struct drop *d)
{
	box_close(&d->box);
	free(d->mark);
}

/* Does its last line lack an end? */
static int is_open(int fd)
{
	char last;

	return lseek(fd, -1, SEEK_END) != -1 && read(fd, &last, 1) == 1 && last != '\n';
}

static void look_at_end(struct drop *d, size_t i)
{
	int fd = box_message(&d->box, i);

	d->mark[i] |= DROP_LOOKED;
	if (fd == -1)
		return;
	if (is_open(fd))
		d->mark[i] |= DROP_OPEN_END;
	(void)close(fd);
}

uint32_t drop_size(struct drop *d, size_t i)
{
	const struct msg *m = box_at(&d->box, i);

	if (m == NULL || d->mark[i] & DROP_MISSING)
		return 0;
	if (m->size == 0 && box_size(&d->box, i) == -1)
		d->mark[i] |= DROP_MISSING;
	m = box_at(&d->box, i);
	if (m != NULL && (m->state & MSG_SIZED) && !(d->mark[i] & DROP_LOOKED)) {
		look_at_end(d, i);
		m = box_at(&d->box, i);
	}
	return m == NULL ? 0 : m->size + (d->mark[i] & DROP_OPEN_END ? 2 : 0);
}

void drop_sent(struct drop *d, size_t i, uint64_t bytes, int open_end)
{
	const struct msg *m = box_at(&d->box, i);

	d->mark[i] |= DROP_READ | DROP_LOOKED;
	if (open_end) {
		d->mark[i] |= DROP_OPEN_END;
		bytes -= 2;
	}
	if (m != NULL && m->size != bytes && bytes <= UINT32_MAX)
		box_learn_size(&d->box, i, (uint32_t)bytes);
}

static int is_word(const char *p, size_t n)
{
	if (n == 0 || n > DROP_UIDL)
		return 0;
	for (; n > 0; p++, n--)
		if ((unsigned char)*p < 0x21 || (unsigned char)*p > 0x7e)
			return 0;
	return 1;
}

static void put_hash(char out[DROP_UIDL + 1], const char *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t hash[SUM_LEN];
	struct sum s;

	sum_init(&s);
	sum_add(&s, p, n);
	sum_end(&s, hash);
	for (size_t i = 0; i < SUM_LEN; i++) {
		out[2 * i] = digits[hash[i] >> 4];
		out[2 * i + 1] = digits[hash[i] & 15];
	}
	out[2 * SUM_LEN] = '\0';
}

int drop_uidl(struct drop *d, size_t i, char out[DROP_UIDL + 1])
{
	const struct msg *m;
	struct msg_name n;

	if (box_uidl(&d->box, i, out))
		return 0;
	m = box_at(&d->box, i);
	if (m == NULL || msg_name_read(&n, m->name) == -1)
		return -1;
	if (is_word(m->name, n.base)) {
		memcpy(out, m->name, n.base);
		out[n.base] = '\0';
	} else
		put_hash(out, m->name, n.base);
	return 0;
}

/* The ordinals that have these marks and not those. */
static size_t collect(const struct drop *d, uint32_t *at, unsigned with, unsigned without)
{
	size_t n = 0;

	for (size_t i = 0; i < d->box.count; i++)
		if ((d->mark[i] & with) != 0 && (d->mark[i] & without) == 0)
			at[n++] = (uint32_t)i;
	return n;
}

/* That a message was read is worth a line in the log, not the session's good end. */
static void note_read(struct drop *d, uint32_t *at)
{
	const struct box_store seen = {
	    .how = BOX_ADD, .flags = MSG_SEEN, .unchangedsince = UINT64_MAX};
	size_t n = collect(d, at, DROP_READ, DROP_DELETED);

	if (n > 0 && box_store(&d->box, at, n, &seen) == -1)
		warn_sys("mark messages as seen");
}

/* The Maildir's root is the box's own directory: POP3 sees INBOX alone. */
static int expunge(struct drop *d, const uint32_t *at, size_t n)
{
	struct quota q;
	int has_quota = quota_read(&q, d->box.dir) == 1;
	uint64_t bytes = has_quota ? quota_weight(&d->box, at, n) : 0;

	if (box_expunge(&d->box, at, n) == -1)
		return -1;
	if (has_quota)
		quota_add(d->box.dir, -(int64_t)bytes, -(int64_t)n);
	return 0;
}

int drop_commit(struct drop *d, size_t *n)
{
	uint32_t *at = malloc((d->box.count + 1) * sizeof *at);
	size_t before = d->box.gone;
	int r = 0;

	*n = 0;
	if (at == NULL)
		return -1;
	note_read(d, at);
	*n = collect(d, at, DROP_DELETED, 0);
	if (*n > 0)
		r = expunge(d, at, *n);
	if (r == -1)
		*n = d->box.gone - before;
	free(at);
	return r;
}
