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

static int keep_room(size_t n)
{
	struct mime_part *part = realloc(kept.part, n * sizeof *part);

	kept.n = 0;
	if (part != NULL)
		kept.part = part;
	return part != NULL ? 0 : -1;
}

/* 1: the digest has them, and it is of this file. */
static int keep_of_digest(size_t i, const struct source *s)
{
	struct digest_numbers numbers;
	const char *p = NULL;
	size_t n;
	int r = parsed_digest(i, &p, &n);

	if (r != 1)
		return r;
	if (!digest_numbers(p, n, &numbers) || numbers.size != s->size)
		return 0;
	if (keep_room(DIGEST_PARTS_MAX) == -1)
		return -1;
	kept.n = digest_parts(p, n, kept.part);
	return kept.n > 0;
}

static int keep_of_file(size_t i, const struct source *s)
{
	if (parse_file(i, s->fd) == -1 || keep_room(mime.n) == -1)
		return -1;
	memcpy(kept.part, mime.part, mime.n * sizeof *kept.part);
	kept.n = mime.n;
	return 0;
}

int parsed_parts(size_t i, struct source *s, const struct mime_part **part, size_t *n)
{
	struct source_id id;

	if (source_identity(s, &id) == -1)
		return -1;
	if (kept.n == 0 || !source_same(&kept.id, &id)) {
		int r = keep_of_digest(i, s);

		if (r == -1 || (r == 0 && keep_of_file(i, s) == -1))
			return -1;
		kept.id = id;
	}
	*part = kept.part;
	*n = kept.n;
	return 0;
}

void parsed_done(void)
{
	if (is_ready)
		mime_free(&mime);
	is_ready = 0;
	sbuf_free(&digest);
}
