/* One message's file: others may rename it at any time, and plant what is no file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box_int.h"

enum { PIECE = 65536 };

static int open_any(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1 && (errno == ELOOP || errno == ENXIO))
		errno = EINVAL;
	return fd;
}

static int open_plain(int dir, const char *name, struct stat *st)
{
	int fd = open_any(dir, name);

	if (fd == -1 || (fstat(fd, st) == 0 && S_ISREG(st->st_mode)))
		return fd;
	(void)close(fd);
	errno = EINVAL;
	return -1;
}

/* try() with the name that is known; if that is gone, with the one that a look finds. */
int boxfile_with(struct box *b, size_t i,
		 int (*try)(void *arg, int dir, const char *name), void *arg)
{
	for (int look = 0;; look++) {
		struct msg *m = box_at(b, i);
		int r;

		if (m == NULL)
			return -1;
		if (m->state & MSG_GONE) {
			errno = ENOENT;
			return -1;
		}
		r = try(arg, m->state & MSG_NEW ? b->new_ : b->cur, m->name);
		if (r != -1 || errno != ENOENT || look > 0)
			return r;
		if (boxsession_read(b) == -1 || boxscan(b, 1) == -1)
			return -1;
	}
}

/* Names alone: nothing is written, no lock taken. */
static int look_for_names(struct box *b)
{
	struct box_look l = {.names = SBUF_INIT(0)};
	int r;

	box_state(b)->list.pinned++;
	r = boxlook(b, &l, 1) == -1 || boxcommit_names(b, &l) == -1 ? -1 : 0;
	box_state(b)->list.pinned--;
	boxlook_free(&l);
	return r;
}

int boxfile_try(struct box *b, size_t i, int (*try)(void *arg, int dir, const char *name),
		void *arg, int *looks)
{
	for (;;) {
		struct msg *m = box_at(b, i);
		int r;

		if (m == NULL)
			return -1;
		r = try(arg, m->state & MSG_NEW ? b->new_ : b->cur, m->name);
		if (r != -1 || errno != ENOENT || *looks == 0)
			return r;
		--*looks;
		if (look_for_names(b) == -1)
			return -1;
		errno = ENOENT;
	}
}

static int try_open(void *arg, int dir, const char *name)
{
	return open_plain(dir, name, arg);
}

static int try_unseen(void *arg, int dir, const char *name)
{
	(void)arg;
	return open_any(dir, name);
}

static void learn_date(struct box *b, size_t i, const struct stat *st)
{
	struct msg *m = boxlist_at(&box_state(b)->list, i);

	if (m != NULL && m->date != st->st_mtim.tv_sec &&
	    (m = boxlist_learn(&box_state(b)->list, i)) != NULL)
		m->date = st->st_mtim.tv_sec;
}

int box_message(struct box *b, size_t i)
{
	struct stat st;
	int fd = boxfile_with(b, i, try_open, &st);

	return fd;
}

static int try_stat(void *arg, int dir, const char *name)
{
	struct stat *st = arg;

	if (fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == -1)
		return -1;
	if (S_ISREG(st->st_mode))
		return 0;
	errno = EINVAL;
	return -1;
}

int box_message_unseen(struct box *b, size_t i)
{
	return boxfile_with(b, i, try_unseen, NULL);
}

int box_date(struct box *b, size_t i)
{
	struct msg *m = box_at(b, i);
	struct stat st;

	if (m == NULL)
		return -1;
	if (m->date != INT64_MIN)
		return 0;
	if (boxfile_with(b, i, try_stat, &st) == -1)
		return -1;
	learn_date(b, i, &st);
	return 0;
}

/* Each LF that no CR stands before counts once more. */
static int count_wire(int fd, uint64_t *size)
{
	char *p = malloc(PIECE);
	char last = '\0';
	ssize_t n = -1;

	*size = 0;
	while (p != NULL && (n = read(fd, p, PIECE)) > 0) {
		const char *at = p;
		const char *end = p + n;

		*size += (uint64_t)n;
		for (; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++)
			*size += (at == p ? last : at[-1]) != '\r';
		last = end[-1];
	}
	free(p);
	return n == 0 ? 0 : -1;
}

static uint32_t cut(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static int read_size(struct box *b, size_t i)
{
	struct stat st;
	uint64_t size;
	int fd = boxfile_with(b, i, try_open, &st);
	int r;

	if (fd == -1)
		return -1;
	r = count_wire(fd, &size);
	(void)close(fd);
	if (r == 0)
		box_learn_size(b, i, cut(size));
	return r;
}

/* The name is believed when its S= is the file's size: who wrote the one wrote the other. */
int box_size(struct box *b, size_t i)
{
	struct msg *m = box_at(b, i);
	struct msg_name n;
	struct stat st;

	if (m == NULL)
		return -1;
	if (m->size != 0 || (m->state & MSG_SIZED))
		return 0;
	if (boxfile_with(b, i, try_stat, &st) == -1)
		return -1;
	learn_date(b, i, &st);
	m = box_at(b, i);
	if (m == NULL || msg_name_read(&n, m->name) == -1)
		return -1;
	if (!n.has_s || !n.has_w || n.s != (uint64_t)st.st_size || n.w < n.s ||
	    n.w - n.s > n.s || n.w == 0)
		return read_size(b, i);
	m = boxlist_learn(&box_state(b)->list, i);
	if (m == NULL)
		return -1;
	m->size = cut(n.w);
	return 0;
}

void box_learn_size(struct box *b, size_t i, uint32_t size)
{
	struct msg *m = box_at(b, i);

	if (m == NULL || (m->size == size && (size != 0 || (m->state & MSG_SIZED))))
		return;
	m = boxlist_learn(&box_state(b)->list, i);
	if (m == NULL)
		return;
	m->size = size;
	m->state |= MSG_SIZED;
}

void box_learn_cache(struct box *b, size_t i, uint64_t offset)
{
	struct msg *m = boxlist_learn(&box_state(b)->list, i);

	if (m != NULL)
		m->cache = offset;
}
