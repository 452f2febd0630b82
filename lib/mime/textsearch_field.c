#include <string.h>

#include "ascii.h"
#include "mime/mime_head.h"
#include "mime/textsearch_int.h"
#include "mime/words.h"

static size_t without_end(const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	return n;
}

int text_header(struct sbuf *out, const char *p, size_t n)
{
	struct mime_field f;
	size_t at = 0;

	while (mime_field_next(p, n, &at, &f)) {
		const char *field = p + f.start;
		size_t len = without_end(field, f.end - f.start);

		if (words_decode(out, field, len) == -1 || sbuf_catc(out, '\n') == -1)
			return -1;
	}
	return 0;
}

int text_in_field(struct text_search *t, const struct needle *k, const char *p, size_t n)
{
	n = without_end(p, n);
	if (words_are_plain(p, n))
		return needle_in(k, p, n);
	t->text.len = 0;
	if (words_decode(&t->text, p, n) == -1)
		return -1;
	return needle_in(k, t->text.p, t->text.len);
}

static int is_name(const char *p, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (name[i] == '\0' || ascii_lower(p[i]) != ascii_lower(name[i]))
			return 0;
	return name[n] == '\0';
}

int text_in_header(struct text_search *t, const struct needle *k, const char *name,
		   const char *p, size_t n)
{
	struct mime_field f;
	size_t at = 0;

	while (mime_field_next(p, n, &at, &f)) {
		int r;

		if (!is_name(p + f.start, f.name_len, name))
			continue;
		r = text_in_field(t, k, p + f.body, f.end - f.body);
		if (r != 0)
			return r;
	}
	return 0;
}
