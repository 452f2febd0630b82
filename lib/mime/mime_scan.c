#include "mime/mime_scan.h"

#include <string.h>

typedef unsigned char bytes __attribute__((vector_size(16)));

enum { STEP = sizeof(bytes), BLOCK = 8 * STEP };

static inline bytes load(const char *p)
{
	bytes v;

	memcpy(&v, p, sizeof v);
	return v;
}

static inline int any(bytes v)
{
	uint64_t half[2];

	memcpy(half, &v, sizeof half);
	return (half[0] | half[1]) != 0;
}

static inline unsigned sum(bytes v)
{
	unsigned total = 0;

	for (size_t i = 0; i < sizeof v; i++)
		total += v[i];
	return total;
}

/* Bytes that are 255 where a line begins behind them that deserves a look. */
static inline bytes looks(const char *p, bytes lf, enum mime_look look)
{
	bytes one;

	if (look == MIME_LOOK_NOWHERE)
		return lf ^ lf;
	one = load(p + 1);
	if (look == MIME_LOOK_DASHES)
		return lf & (bytes)(one == '-') & (bytes)(load(p + 2) == '-');
	return lf & (bytes)((one == '-') | (one == '\n') | (one == '\r'));
}

/* A block of which p[-1] and two bytes more can be read. 0, with nothing counted: a line in it
 * deserves a look. */
static inline int count_block(const char *p, enum mime_look look, struct mime_count *c)
{
	bytes lines = {0}, pairs = {0}, nul = {0}, found = {0};

	for (size_t i = 0; i < BLOCK; i += STEP) {
		bytes v = load(p + i), lf = (bytes)(v == '\n');

		lines -= lf;
		pairs -= lf & (bytes)(load(p + i - 1) == '\r');
		nul |= (bytes)(v == 0);
		found |= looks(p + i, lf, look);
	}
	if (look != MIME_LOOK_NOWHERE && any(found))
		return 0;
	if (any(lines)) {
		unsigned n = sum(lines);

		c->lines += n;
		c->bare += n - sum(pairs);
	}
	c->nul |= any(nul);
	return 1;
}

static inline int is_look(const char *p, size_t n, enum mime_look look)
{
	if (look == MIME_LOOK_NOWHERE)
		return 0;
	if (n == 0)
		return 1;
	if (look == MIME_LOOK_DASHES)
		return p[0] == '-' && (n == 1 || p[1] == '-');
	return p[0] == '-' || p[0] == '\n' || p[0] == '\r';
}

/* [*at, end), byte by byte. 1: stopped behind an LF. */
static inline int count_bytes(const char *p, size_t *at, size_t end, size_t n,
			      char before, enum mime_look look, struct mime_count *c)
{
	for (size_t i = *at; i < end; i++) {
		if (p[i] == '\n') {
			c->lines++;
			c->bare += (i > 0 ? p[i - 1] : before) != '\r';
			if (is_look(p + i + 1, n - i - 1, look)) {
				*at = i + 1;
				return 1;
			}
		}
		c->nul |= p[i] == '\0';
	}
	*at = end;
	return 0;
}

static inline __attribute__((always_inline)) size_t
scan(const char *p, size_t n, char before, enum mime_look look, struct mime_count *c)
{
	size_t at = 0;

	if (n == 0 || count_bytes(p, &at, 1, n, before, look, c))
		return at;
	while (n - at >= BLOCK + 2) {
		if (count_block(p + at, look, c))
			at += BLOCK;
		else if (count_bytes(p, &at, at + BLOCK, n, before, look, c))
			return at;
	}
	(void)count_bytes(p, &at, n, n, before, look, c);
	return at;
}

size_t mime_scan(const char *p, size_t n, char before, enum mime_look look,
		 struct mime_count *c)
{
	if (look == MIME_LOOK_NOWHERE)
		return scan(p, n, before, MIME_LOOK_NOWHERE, c);
	if (look == MIME_LOOK_DASHES)
		return scan(p, n, before, MIME_LOOK_DASHES, c);
	return scan(p, n, before, MIME_LOOK_HEADER, c);
}

size_t mime_line(const char *p, size_t n)
{
	size_t at = 0;

	for (; n - at >= STEP; at += STEP) {
		bytes lf = (bytes)(load(p + at) == '\n');
		uint64_t half[2];

		memcpy(half, &lf, sizeof half);
		if ((half[0] | half[1]) != 0)
			break;
	}
	while (at < n && p[at] != '\n')
		at++;
	return at;
}
