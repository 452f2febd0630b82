#include <string.h>
#include <strings.h>

#include "mime/mime_param_int.h"
#include "sbuf.h"

enum { INDEX_MAX = 10000 };

/* The stars of a name (RFC 2231 3, 4, 4.1). */
struct stars {
	struct mime_span base;
	size_t index; /* from 1: base*0, base*1, ...; 0: none */
	int extended;
};

static size_t skip_digits(struct mime_span name, size_t i, size_t *number)
{
	*number = 0;
	for (; i < name.n && name.p[i] >= '0' && name.p[i] <= '9'; i++)
		if (*number < INDEX_MAX)
			*number = *number * 10 + (size_t)(name.p[i] - '0');
	return i;
}

/* What is no "base", "base*", "base*1" or "base*1*" is a name with stars in it. */
static struct stars read_stars(struct mime_span name)
{
	const char *star = memchr(name.p, '*', name.n);
	struct stars s = {name, 0, 0};
	size_t base = star != NULL ? (size_t)(star - name.p) : 0, end, number;

	if (base == 0)
		return s;
	end = skip_digits(name, base + 1, &number);
	if (end == base + 1 && end == name.n) {
		s.extended = 1;
	} else if (end > base + 1) {
		s.index = number + 1;
		s.extended = end + 1 == name.n && name.p[end] == '*';
		if (end + (size_t)s.extended != name.n)
			return (struct stars){name, 0, 0};
	} else {
		return s;
	}
	s.base.n = base;
	return s;
}

static int add_value(struct sbuf *out, const struct mime_raw *r)
{
	char *o;

	if (!r->quoted)
		return sbuf_cat(out, r->value.p, r->value.n);
	if (sbuf_reserve(out, r->value.n) == -1)
		return -1;
	o = out->p + out->len;
	for (size_t i = 0; i < r->value.n; i++) {
		char c = r->value.p[i];

		if (c == '\\' && i + 1 < r->value.n)
			c = r->value.p[++i];
		else if (c == '\n' || c == '\r')
			continue;
		*o++ = c;
	}
	out->len = (size_t)(o - out->p);
	return 0;
}

static int same(struct mime_span a, struct mime_span b)
{
	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* The pieces behind the first one, up to what is not the next. */
static int add_pieces(struct mime_words *w, struct stars first, struct sbuf *scratch)
{
	struct mime_words ahead = *w;
	struct mime_raw r;

	for (size_t index = first.index + 1; mime_words_raw(&ahead, &r); index++) {
		struct stars s = read_stars(r.name);

		if (s.index != index || !same(s.base, first.base))
			break;
		if (add_value(scratch, &r) == -1)
			return -1;
		*w = ahead;
	}
	return 0;
}

int mime_words_param(struct mime_words *w, struct mime_param *out, struct sbuf *scratch)
{
	struct mime_raw r;
	struct stars s;

	if (!mime_words_raw(w, &r))
		return 0;
	s = read_stars(r.name);
	if (s.index > 1)
		s = (struct stars){r.name, 0, 0};
	*out = (struct mime_param){s.base, s.extended};
	sbuf_clear(scratch);
	if (add_value(scratch, &r) == -1 ||
	    (s.index == 1 && add_pieces(w, s, scratch) == -1))
		return -1;
	return 1;
}
