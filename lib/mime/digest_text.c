#include <string.h>

#include "mime/digest_int.h"
#include "mime/parse_int.h"

enum { QUOTED_MAX = 4096 }; /* longer strings become literals */

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

static void trim(const char **p, size_t *n)
{
	while (*n > 0 && is_blank(**p)) {
		++*p;
		--*n;
	}
	while (*n > 0 && is_blank((*p)[*n - 1]))
		--*n;
}

/* There is room for n. */
static size_t drop_ends(char *out, const char *p, size_t n)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		out[len] = p[i];
		len += p[i] != '\r' && p[i] != '\n' && p[i] != '\0';
	}
	return len;
}

int digest_unfold(struct sbuf *out, const char *p, size_t n)
{
	trim(&p, &n);
	if (sbuf_reserve(out, n) == -1)
		return -1;
	out->len += drop_ends(out->p + out->len, p, n);
	return 0;
}

/* There is room for 2 * n + 2. 0: it cannot be a quoted string. */
static size_t quote(char *out, const char *p, size_t n)
{
	char *o = out;

	*o++ = '"';
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)p[i] > 126)
			return 0;
		if (p[i] == '\r' || p[i] == '\n' || p[i] == '\0')
			continue;
		if (p[i] == '"' || p[i] == '\\')
			*o++ = '\\';
		*o++ = p[i];
	}
	*o++ = '"';
	return (size_t)(o - out);
}

static int literal(struct sbuf *out, const char *p, size_t n)
{
	size_t len = n;

	for (size_t i = 0; i < n; i++)
		len -= p[i] == '\r' || p[i] == '\n' || p[i] == '\0';
	if (sbuf_catc(out, '{') == -1 || sbuf_catu(out, len) == -1 ||
	    sbuf_cat(out, "}\r\n", 3) == -1)
		return -1;
	return digest_unfold(out, p, n);
}

int digest_string(struct sbuf *out, const char *p, size_t n)
{
	size_t len;

	trim(&p, &n);
	if (n > QUOTED_MAX)
		return literal(out, p, n);
	if (sbuf_reserve(out, 2 * n + 2) == -1)
		return -1;
	len = quote(out->p + out->len, p, n);
	if (len == 0)
		return literal(out, p, n);
	out->len += len;
	return 0;
}

int digest_field(struct sbuf *out, const struct mime *m, uint32_t part,
		 enum mime_name name)
{
	const struct mime_found *f = mime_found(m, part, name);

	if (f == NULL)
		return sbuf_cat(out, "NIL", 3);
	return digest_string(out, mime_head_text(m, part) + f->at, f->end - f->at);
}
