#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/name.h"
#include "sbuf.h"
#include "session.h"

/* Behind what is in the buffer: bytes, 0: the end. */
static ssize_t read_more(struct source *s, size_t want)
{
	ssize_t n;

	do
		n = pread(s->fd, s->buf + s->have, want, (off_t)(s->start + s->have));
	while (n == -1 && errno == EINTR);
	if (n > 0)
		s->have += (size_t)n;
	return n;
}

/* As much of [offset, size) as fits: a file system may give less at a time. */
static int fill(struct source *s, uint64_t offset)
{
	s->start = offset;
	s->have = 0;
	while (s->have < SOURCE_BUF && offset + s->have < s->size) {
		size_t want = SOURCE_BUF - s->have;
		ssize_t n;

		if (want > s->size - offset - s->have)
			want = (size_t)(s->size - offset - s->have);
		n = read_more(s, want);
		if (n == -1)
			return -1;
		if (n == 0) /* it has become shorter */
			break;
	}
	return 0;
}

/* What fstat() says; it is asked when somebody must know. */
static int look(struct source *s)
{
	struct stat st;

	if (fstat(s->fd, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	s->size = (uint64_t)st.st_size;
	s->id = (struct source_id){st.st_dev, st.st_ino, st.st_mtim.tv_sec,
				   st.st_mtim.tv_nsec, s->size};
	s->has_id = 1;
	return 0;
}

/* Who wrote the message wrote its name: what was read is the whole. */
static int is_said(size_t i, size_t n)
{
	const struct msg *m = box_at(&session.box, i);
	struct msg_name name;

	return m != NULL && msg_name_read(&name, m->name) == 0 && name.has_s &&
	       name.s == n;
}

/* FIFOs, directories and most devices have no pread(); what has one gets the look. */
static int read_first(struct source *s, size_t i)
{
	s->start = 0;
	s->have = 0;
	if (read_more(s, SOURCE_BUF) == -1) {
		if (errno == ESPIPE || errno == EISDIR)
			errno = EINVAL;
		return -1;
	}
	if (s->have < SOURCE_BUF && is_said(i, s->have)) {
		s->size = s->have;
		return 0;
	}
	if (look(s) == -1)
		return -1;
	if (s->have < SOURCE_BUF && s->have != s->size && fill(s, 0) == -1)
		return -1;
	if (s->have < s->size && s->have < SOURCE_BUF)
		s->size = s->have;
	return 0;
}

int source_open(struct source *s, size_t i)
{
	if (s->buf == NULL && (s->buf = malloc(SOURCE_BUF)) == NULL)
		return -1;
	s->has_id = 0;
	s->fd = box_message_unseen(&session.box, i);
	if (s->fd == -1)
		return -1;
	if (read_first(s, i) == 0)
		return 0;
	source_close(s);
	return -1;
}

void source_close(struct source *s)
{
	int saved = errno;

	if (s->fd != -1)
		close(s->fd);
	s->fd = -1;
	s->have = 0;
	errno = saved;
}

void source_done(struct source *s)
{
	source_close(s);
	free(s->buf);
	s->buf = NULL;
}

ssize_t source_at(struct source *s, uint64_t offset, const char **p)
{
	if (offset >= s->size)
		return 0;
	if ((offset < s->start || offset >= s->start + s->have) && fill(s, offset) == -1)
		return -1;
	*p = s->buf + (offset - s->start);
	return (ssize_t)(s->start + s->have - offset);
}

int source_identity(struct source *s, struct source_id *id)
{
	if (!s->has_id && look(s) == -1)
		return -1;
	*id = s->id;
	return 0;
}

int source_same(const struct source_id *a, const struct source_id *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->sec == b->sec &&
	       a->nsec == b->nsec && a->size == b->size;
}

enum line { LINE_EMPTY, LINE_CR, LINE_TEXT };

/* What a line is, of which n more bytes were seen. */
static enum line line_on(enum line line, const char *p, size_t n)
{
	if (n == 0)
		return line;
	return line == LINE_EMPTY && n == 1 && *p == '\r' ? LINE_CR : LINE_TEXT;
}

int source_header(struct source *s, uint64_t *end)
{
	enum line line = LINE_EMPTY;
	const char *p = NULL;
	ssize_t n;

	for (*end = 0; (n = source_at(s, *end, &p)) > 0;) {
		const char *lf = memchr(p, '\n', (size_t)n);
		size_t len = lf != NULL ? (size_t)(lf - p) : (size_t)n;

		line = line_on(line, p, len);
		*end += len + (lf != NULL);
		if (lf == NULL)
			continue;
		if (line != LINE_TEXT)
			return 0;
		line = LINE_EMPTY;
	}
	return n == 0 ? 0 : -1;
}

int source_piece(struct source *s, uint64_t start, size_t n, struct sbuf *spare,
		 const char **p)
{
	ssize_t some = source_at(s, start, p);

	if (some >= 0 && (size_t)some >= n)
		return 0;
	sbuf_clear(spare);
	while (spare->len < n) {
		some = source_at(s, start + spare->len, p);
		if (some == 0)
			errno = EIO;
		if (some <= 0)
			return -1;
		if ((size_t)some > n - spare->len)
			some = (ssize_t)(n - spare->len);
		if (sbuf_cat(spare, *p, (size_t)some) == -1)
			return -1;
	}
	*p = spare->p;
	return 0;
}
