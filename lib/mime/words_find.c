#include "mime/words_int.h"

#include <string.h>

#include "ascii.h"

enum { WORD_CHARSET = 128 };

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *find_end(struct words_scan *s, const char *p)
{
	while (!s->no_more) {
		p = memchr(p, '?', (size_t)(s->end - p));
		if (p == NULL || s->end - p < 2) {
			s->no_more = 1;
			break;
		}
		if (*++p == '=')
			return p - 1;
	}
	return NULL;
}

/* RFC 2231 5: a language may stand behind the charset. */
static size_t without_language(const char *p, size_t n)
{
	const char *star = memchr(p, '*', n);

	return star != NULL ? (size_t)(star - p) : n;
}

int words_find(struct words_scan *s, const char *p, struct word *out)
{
	const char *most = s->end - p < WORD_CHARSET ? s->end : p + WORD_CHARSET;
	const char *end;

	if (s->end - p < 7 || p[0] != '=' || p[1] != '?')
		return 0;
	out->charset = p += 2;
	while (p < most && *p != '?' && !is_blank(*p))
		p++;
	out->ncharset = without_language(out->charset, (size_t)(p - out->charset));
	if (out->ncharset == 0 || s->end - p < 5 || p[0] != '?' || p[2] != '?')
		return 0;
	out->encoding = ascii_lower(p[1]);
	out->text = p + 3;
	if (out->encoding != 'b' && out->encoding != 'q')
		return 0;
	end = find_end(s, out->text);
	if (end == NULL)
		return 0;
	out->ntext = (size_t)(end - out->text);
	out->end = end + 2;
	return 1;
}

const char *words_skip_blanks(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	return p;
}
