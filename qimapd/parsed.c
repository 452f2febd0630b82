#include "parsed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sbuf.h"
#include "session.h"

enum { DIGEST_MAX = 64 * 1024 * 1024 };

static struct mime mime;
static int is_ready;
static struct sbuf digest = SBUF_INIT(DIGEST_MAX);

/* The parts of the file that was asked for last; MIME_PARTS at most. */
static struct {
	struct source_id id;
	struct mime_part *part;
	size_t n;
} kept;

static int parse_file(size_t i, int fd)
{
	if (!is_ready)
		mime_init(&mime);
	is_ready = 1;
	if (lseek(fd, 0, SEEK_SET) == -1 || mime_file(&mime, fd) == -1)
		return -1;
	if (mime.wire <= UINT32_MAX)
		box_learn_size(&session.box, i, (uint32_t)mime.wire);
	return 0;
}

static int make_digest(size_t i)
{
	int fd = box_message(&session.box, i);
	int r;

	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	r = parse_file(i, fd);
	close(fd);
	sbuf_clear(&digest);
	if (r == -1 || digest_make(&digest, &mime) == -1)
		return -1;
	cache_put(session.cache, i, digest.p, digest.len);
	return 1;
}

/* A digest of this version and without damage. */
static int is_digest(const char *p, size_t n)
{
	struct digest_numbers numbers;

	return digest_numbers(p, n, &numbers);
}

int parsed_digest(size_t i, const char **p, size_t *n)
{
	int r;

	if (cache_get(session.cache, i, p, n) && is_digest(*p, *n))
		return 1;
	r = make_digest(i);
	*p = digest.p;
	*n = digest.len;
	return r;
}

static int keep_parts(const struct source *s, const void *part, size_t n)
{
	struct mime_part *copy = realloc(kept.part, (n + 1) * sizeof *copy);

	kept.n = 0;
	if (copy == NULL)
		return -1;
	memcpy(copy, part, n * sizeof *copy);
	kept.part = copy;
	kept.n = n;
	kept.id = s->id;
	return 0;
}

/* 1: the digest has them, and it is of this file. */
static int digest_parts(size_t i, const struct source *s, const char **part, size_t *n)
{
	struct digest_numbers numbers;
	const char *p = NULL;
	size_t len;
	int r = parsed_digest(i, &p, &len);

	if (r != 1)
		return r;
	if (!digest_numbers(p, len, &numbers) || numbers.parts == 0 ||
	    numbers.size != s->size || !digest_get(p, len, DIGEST_PARTS, part, n))
		return 0;
	*n /= sizeof(struct mime_part);
	return *n == numbers.parts;
}

int parsed_parts(size_t i, const struct source *s, const struct mime_part **part,
		 size_t *n)
{
	const char *p = NULL;
	size_t len = 0;
	int r = 1;

	if (kept.n == 0 || !source_same(&kept.id, &s->id)) {
		r = digest_parts(i, s, &p, &len);
		if (r == 1)
			r = keep_parts(s, p, len);
		else if (r == 0 && (r = parse_file(i, s->fd)) == 0)
			r = keep_parts(s, mime.part, mime.n);
	}
	*part = kept.part;
	*n = kept.n;
	return r == -1 ? -1 : 0;
}

void parsed_done(void)
{
	if (is_ready)
		mime_free(&mime);
	is_ready = 0;
	sbuf_free(&digest);
}
