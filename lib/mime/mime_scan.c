#include "mime/mime_scan.h"

#include "mime/mime_vector.h"

enum { STEPS = 8 };

/* Bytes that are 255 where a line begins behind them that deserves a look. */
static inline mime_bytes looks(const char *p, mime_bytes lf, enum mime_look look)
{
	mime_bytes one;

	if (look == MIME_LOOK_NOWHERE)
		return (mime_bytes){0};
	one = mime_load(p + 1);
	if (look == MIME_LOOK_DASHES)
		return lf & (mime_bytes)(one == '-') &
		       (mime_bytes)(mime_load(p + 2) == '-');
	return lf & (mime_bytes)((one == '-') | (one == '\n') | (one == '\r'));
}

/* Some steps, of which p[-1] and two bytes more can be read. 0, with nothing counted: a line in them
 * deserves a look. */
static inline int count_steps(const char *p, size_t steps, enum mime_look look,
			      struct mime_count *c)
{
	mime_bytes lines = {0}, pairs = {0}, nul = {0}, found = {0};

	for (size_t i = 0; i < steps * MIME_STEP; i += MIME_STEP) {
		mime_bytes v = mime_load(p + i), lf = (mime_bytes)(v == '\n');

		lines -= lf;
		pairs -= lf & (mime_bytes)(mime_load(p + i - 1) == '\r');
		nul |= (mime_bytes)(v == 0);
		found |= looks(p + i, lf, look);
	}
	if (look != MIME_LOOK_NOWHERE && mime_any(found))
		return 0;
	c->lines += mime_sum(lines);
	c->bare += mime_sum(lines) - mime_sum(pairs);
	c->nul |= mime_any(nul);
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
	while (n - at >= STEPS * MIME_STEP + 2 && count_steps(p + at, STEPS, look, c))
		at += STEPS * MIME_STEP;
	for (; n - at >= MIME_STEP + 2; at += MIME_STEP)
		if (!count_steps(p + at, 1, look, c))
			break;
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

	for (; n - at >= MIME_STEP; at += MIME_STEP) {
		size_t lf = mime_first_lf(mime_load(p + at));

		if (lf < MIME_STEP)
			return at + lf;
	}
	while (at < n && p[at] != '\n')
		at++;
	return at;
}
