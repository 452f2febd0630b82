#include "hdr822.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "qlimits.h"

static int is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* RFC 5322 3.6.8: ftext is %d33-57 / %d59-126. 0 if no name begins here. */
static size_t name_length(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] >= 33 && p[i] <= 126 && p[i] != ':')
		i++;
	return i;
}

/* Where the colon of a field is, or 0; RFC 5322 4.5.8 allows blanks before it. */
static size_t colon_at(const char *p, size_t n, size_t name_len)
{
	size_t i = name_len;

	while (i < n && is_blank(p[i]))
		i++;
	return name_len > 0 && i < n && p[i] == ':' ? i : 0;
}

enum hdr822_line hdr822_line(const char *line, size_t n)
{
	if (n == 0)
		return HDR822_EMPTY;
	if (is_blank(line[0]))
		return HDR822_MORE;
	return colon_at(line, n, name_length(line, n)) > 0 ? HDR822_FIELD : HDR822_OTHER;
}

static int push(struct hdr822 *h, size_t *cap, const struct hdr822_field *f)
{
	if (h->n == LIMIT_FIELDS) {
		errno = EMSGSIZE;
		return -1;
	}
	if (h->n == *cap) {
		size_t more = *cap ? *cap * 2 : 32;
		struct hdr822_field *bigger = realloc(h->field, more * sizeof *bigger);

		if (bigger == NULL)
			return -1;
		h->field = bigger;
		*cap = more;
	}
	h->field[h->n++] = *f;
	return 0;
}

static size_t line_length(const char *p, size_t n)
{
	const char *lf = memchr(p, '\n', n);

	return lf != NULL ? (size_t)(lf - p) : n;
}

static int parse(struct hdr822 *h, size_t n)
{
	size_t cap = 0;

	for (size_t at = 0; at < n; at = h->len) {
		const char *p = h->p + at;
		size_t len = line_length(p, n - at);
		enum hdr822_line kind = hdr822_line(p, len);
		size_t next = at + len + (at + len < n);

		if (kind == HDR822_MORE && h->n > 0) {
			h->field[h->n - 1].end = next;
		} else if (kind == HDR822_FIELD) {
			size_t name = name_length(p, len);
			size_t body = at + colon_at(p, len, name) + 1;
			struct hdr822_field f = {at, name, body, next};

			if (push(h, &cap, &f) == -1)
				return -1;
		} else {
			break;
		}
		h->len = next;
	}
	return 0;
}

int hdr822_parse(struct hdr822 *h, const char *p, size_t n)
{
	*h = (struct hdr822){p, 0, NULL, 0};
	if (parse(h, n) == 0 && h->len <= LIMIT_HEADER)
		return 0;
	if (h->len > LIMIT_HEADER)
		errno = EMSGSIZE;
	hdr822_free(h);
	return -1;
}

void hdr822_free(struct hdr822 *h)
{
	free(h->field);
	h->field = NULL;
	h->n = 0;
}

int hdr822_is(const struct hdr822 *h, const struct hdr822_field *f, const char *name)
{
	return strlen(name) == f->name_len &&
	       strncasecmp(h->p + f->start, name, f->name_len) == 0;
}
