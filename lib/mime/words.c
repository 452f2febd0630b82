#include "mime/words.h"

#include <string.h>

#include "ascii.h"
#include "mime/charset.h"
#include "mime/unicode.h"
#include "mime/words_int.h"
#include "sbuf.h"
#include "utf8.h"

enum { RAW = 512 };

struct words {
	struct sbuf *out;
	struct words_scan scan;
	struct charset set; /* of the words that follow each other */
	const char *charset;
	size_t ncharset; /* 0: none is open */
	char raw[RAW];
	size_t nraw;
};

/* ---- their bytes ---- */

static int flush_raw(struct words *w)
{
	size_t n = w->nraw;

	w->nraw = 0;
	return charset_add(&w->set, w->out, w->raw, n);
}

static int put_raw(struct words *w, unsigned c)
{
	if (w->nraw == RAW && flush_raw(w) == -1)
		return -1;
	w->raw[w->nraw++] = (char)c;
	return 0;
}

static int digit64(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What is no base64 is passed over; padding in the middle begins anew. */
static int decode_b(struct words *w, const char *p, size_t n)
{
	uint32_t bits = 0;
	unsigned nbits = 0;

	for (size_t i = 0; i < n; i++) {
		int v = digit64(p[i]);

		if (p[i] == '=')
			nbits = 0;
		if (v < 0)
			continue;
		bits = bits << 6 | (uint32_t)v;
		nbits += 6;
		if (nbits < 8)
			continue;
		nbits -= 8;
		if (put_raw(w, bits >> nbits & 0xff) == -1)
			return -1;
	}
	return 0;
}

static int digit16(char c)
{
	char l = ascii_lower(c);

	if (c >= '0' && c <= '9')
		return c - '0';
	return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

static int decode_q(struct words *w, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned c = (unsigned char)p[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c == '_') {
			c = ' ';
		} else if (c == '=' && n - i > 2 && digit16(p[i + 1]) >= 0 &&
			   digit16(p[i + 2]) >= 0) {
			c = (unsigned)(digit16(p[i + 1]) << 4 | digit16(p[i + 2]));
			i += 2;
		}
		if (put_raw(w, c) == -1)
			return -1;
	}
	return 0;
}

/* ---- the text ---- */

static int close_charset(struct words *w)
{
	int r = w->ncharset > 0 ? charset_end(&w->set, w->out) : 0;

	w->ncharset = 0;
	return r;
}

static int same_charset(const struct words *w, const struct word *word)
{
	if (w->ncharset != word->ncharset)
		return 0;
	for (size_t i = 0; i < w->ncharset; i++)
		if (ascii_lower(w->charset[i]) != ascii_lower(word->charset[i]))
			return 0;
	return 1;
}

/* A character may begin in one word and end in the next of the same charset. 1, 0: charset
 * not known, -1. */
static int open_word(struct words *w, const struct word *word)
{
	if (same_charset(w, word))
		return 1;
	if (close_charset(w) == -1)
		return -1;
	if (!charset_open(&w->set, word->charset, word->ncharset))
		return 0;
	w->charset = word->charset;
	w->ncharset = word->ncharset;
	return 1;
}

static int put_word(struct words *w, const struct word *word)
{
	int r = word->encoding == 'b' ? decode_b(w, word->text, word->ntext)
				      : decode_q(w, word->text, word->ntext);

	return r == -1 ? -1 : flush_raw(w);
}

/* Line ends of folding go. */
static int put_lines(struct sbuf *out, struct charset *c, const char *p, size_t n)
{
	for (size_t i = 0, from = 0; i <= n; i++) {
		if (i < n && p[i] != '\r' && p[i] != '\n')
			continue;
		if (charset_add(c, out, p + from, i - from) == -1)
			return -1;
		from = i + 1;
	}
	return 0;
}

static int put_plain(struct words *w, const char *p, size_t n)
{
	int is_utf8 = ascii_span(p, n) == n || utf8_is_valid(p, n);
	const char *name = is_utf8 ? "utf-8" : "windows-1252";
	struct charset c;

	if (n == 0)
		return 0;
	(void)charset_open(&c, name, strlen(name)); /* we know these */
	return put_lines(w->out, &c, p, n);
}

/* Words from p on: blanks between two that we know go. Behind the last one, or NULL: -1. */
static const char *put_words(struct words *w, const char *p, const struct word *first)
{
	const char *gap = p; /* where what is not written yet begins */
	struct word word = *first;
	int was = 0;

	do {
		int known = open_word(w, &word);

		if (known == -1 ||
		    (known && !was && put_plain(w, gap, (size_t)(p - gap)) == -1) ||
		    (known ? put_word(w, &word)
			   : put_plain(w, gap, (size_t)(word.end - gap))) == -1)
			return NULL;
		was = known;
		gap = word.end;
		p = words_skip_blanks(gap, w->scan.end);
	} while (words_find(&w->scan, p, &word));
	return close_charset(w) == -1 ? NULL : gap;
}

int words_are_plain(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80 || p[i] == '\r' || p[i] == '\n' ||
		    (p[i] == '=' && i + 1 < n && p[i + 1] == '?'))
			return 0;
	return 1;
}

static int decode(struct sbuf *out, const char *p, size_t n)
{
	struct words w = {.out = out, .scan = {p + n, 0}};
	const char *from = p;
	struct word word;

	while ((p = memchr(p, '=', (size_t)(w.scan.end - p))) != NULL) {
		if (!words_find(&w.scan, p, &word)) {
			p++;
			continue;
		}
		if (put_plain(&w, from, (size_t)(p - from)) == -1)
			return -1;
		p = from = put_words(&w, p, &word);
		if (p == NULL)
			return -1;
	}
	return put_plain(&w, from, (size_t)(w.scan.end - from));
}

int words_decode(struct sbuf *out, const char *p, size_t n)
{
	return words_are_plain(p, n) ? sbuf_cat(out, p, n) : decode(out, p, n);
}
