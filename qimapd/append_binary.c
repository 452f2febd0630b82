#include "append_binary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base64.h"
#include "mime/parse.h"
#include "mime/section.h"
#include "sbuf.h"

enum {
	PIECE = 57 * 512, /* 57 bytes are a line of base64 (RFC 2045 6.8) */
	LINE = 57,
	HEADER = 1024 * 1024 /* of a part that is encoded */
};

struct converting {
	struct put *to;
	int fd;
	uint64_t at; /* so far of the file has gone */
	int is_bad;  /* a NUL that must stay */
};

/* Exactly n bytes. */
static int read_at(int fd, char *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t r = pread(fd, p, n, (off_t)at);

		if (r <= 0) {
			errno = r == 0 ? EIO : errno;
			return -1;
		}
		p += r;
		n -= (size_t)r;
		at += (uint64_t)r;
	}
	return 0;
}

/* The piece of [at, end) that comes next: its length. */
static ssize_t read_piece(const struct converting *c, char p[PIECE], uint64_t at,
			  uint64_t end)
{
	size_t n = end - at < PIECE ? (size_t)(end - at) : PIECE;

	return read_at(c->fd, p, n, at) == -1 ? -1 : (ssize_t)n;
}

/* ---- as it is ---- */

static int copy_until(struct converting *c, uint64_t end)
{
	char p[PIECE];

	while (c->at < end) {
		ssize_t n = read_piece(c, p, c->at, end);

		if (n == -1 || put_write(c->to, p, (size_t)n) == -1)
			return -1;
		c->is_bad |= memchr(p, '\0', (size_t)n) != NULL;
		c->at += (uint64_t)n;
	}
	return 0;
}

/* ---- as base64 ---- */

struct content {
	int nul, bare; /* LF */
};

static int look_at(const struct converting *c, const struct mime_part *part,
		   struct content *found)
{
	char last = '\0';
	char p[PIECE];

	*found = (struct content){0};
	for (uint64_t at = part->body; at < part->end;) {
		ssize_t n = read_piece(c, p, at, part->end);
		const char *lf = p;

		if (n == -1)
			return -1;
		found->nul |= memchr(p, '\0', (size_t)n) != NULL;
		for (; (lf = memchr(lf, '\n', (size_t)(p + n - lf))) != NULL; lf++)
			found->bare |= (lf == p ? last : lf[-1]) != '\r';
		last = p[n - 1];
		at += (uint64_t)n;
	}
	return 0;
}

/* 1, 0, -1 */
static int is_to_encode(const struct converting *c, const struct mime_part *part)
{
	struct content found;

	if (part->kind != MIME_LEAF || part->encoding > MIME_BINARY)
		return 0;
	if (look_at(c, part, &found) == -1)
		return -1;
	return found.nul || (found.bare && part->encoding == MIME_BINARY);
}

/* The header says that it is base64. */
static int put_header(struct converting *c, const struct mime_part *part)
{
	static const char encoding[] = "Content-Transfer-Encoding: base64\r\n\r\n";
	static const char *const old[] = {"Content-Transfer-Encoding"};
	struct sbuf was = SBUF_INIT(HEADER);
	struct sbuf now = SBUF_INIT(2 * HEADER + 4);
	size_t n = (size_t)(part->body - part->header);
	int r = sbuf_reserve(&was, n);

	if (r == 0)
		r = read_at(c->fd, was.p, n, part->header);
	if (r == 0)
		r = section_fields(&now, was.p, n, old, 1, 1);
	if (r == 0) {
		c->is_bad |= memchr(was.p, '\0', n) != NULL;
		now.len -= 2; /* the empty line */
		r = sbuf_cat(&now, encoding, sizeof encoding - 1);
	}
	if (r == 0)
		r = put_write(c->to, now.p, now.len);
	sbuf_free(&was);
	sbuf_free(&now);
	return r;
}

/* Lines are parted by CRLF; behind the last comes what came behind the part. */
static int put_lines(struct converting *c, const char *p, size_t n, int more)
{
	char line[BASE64_LEN(LINE) + 2];

	for (size_t i = 0; i < n; i += LINE) {
		size_t some = n - i < LINE ? n - i : LINE;
		size_t len = BASE64_LEN(some);

		if (base64_put(p + i, some, line, sizeof line) == -1)
			return -1;
		if (more || i + some < n)
			memcpy(line + len, "\r\n", 2), len += 2;
		if (put_write(c->to, line, len) == -1)
			return -1;
	}
	return 0;
}

static int put_body(struct converting *c, const struct mime_part *part)
{
	char p[PIECE];

	for (c->at = part->body; c->at < part->end;) {
		ssize_t n = read_piece(c, p, c->at, part->end);

		if (n == -1)
			return -1;
		c->at += (uint64_t)n;
		if (put_lines(c, p, (size_t)n, c->at < part->end) == -1)
			return -1;
	}
	return 0;
}

/* ---- the whole ---- */

static int encode(struct converting *c, const struct mime_part *part, uint64_t size)
{
	if (copy_until(c, part->header) == -1 || put_header(c, part) == -1 ||
	    put_body(c, part) == -1)
		return -1;
	return part->end == size ? put_write(c->to, "\r\n", 2) : 0;
}

/* Parts stand in the order of the message. */
static int convert(struct converting *c, const struct mime *m)
{
	for (size_t i = 0; i < m->n && !c->is_bad; i++) {
		const struct mime_part *part = &m->part[i];
		int wanted = is_to_encode(c, part);

		if (wanted == -1)
			return -1;
		if (!wanted)
			continue;
		if (part->header < c->at || part->body - part->header > HEADER)
			return 1;
		if (encode(c, part, m->size) == -1)
			return -1;
	}
	if (!c->is_bad && copy_until(c, m->size) == -1)
		return -1;
	return c->is_bad;
}

static int open_again(const struct put *p)
{
	char path[sizeof p->tmp + 4];

	(void)snprintf(path, sizeof path, "tmp/%s", p->tmp);
	return openat(p->dir, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}

int append_binary(struct put *to, struct put *from)
{
	struct converting c = {.to = to, .fd = -1};
	struct mime m;
	int r = -1;
	int e;

	mime_init(&m);
	if (wbuf_flush(&from->w) == 0 && (c.fd = open_again(from)) != -1 &&
	    mime_file(&m, c.fd) == 0)
		r = convert(&c, &m);
	e = errno;
	mime_free(&m);
	if (c.fd != -1)
		(void)close(c.fd);
	errno = e;
	return r;
}
