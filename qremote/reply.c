#include "reply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "escape.h"

void reply_begin(struct reply *r)
{
	r->code = 0;
	r->lines = 0;
	r->len = 0;
}

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void keep(struct reply *r, const char *p, size_t n)
{
	size_t room = sizeof r->text - r->len;

	if (r->lines > 0 && room > 0) {
		r->text[r->len++] = '\n';
		room--;
	}
	if (n > room)
		n = room;
	memcpy(r->text + r->len, p, n);
	r->len += n;
}

int reply_line(struct reply *r, const char *line, size_t n)
{
	int code;

	if (n < 3 || line[0] < '1' || line[0] > '5' || !is_digit(line[1]) ||
	    !is_digit(line[2]) || (n > 3 && line[3] != ' ' && line[3] != '-'))
		return bad();
	code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	if ((r->lines > 0 && code != r->code) || r->lines == LIMIT_REPLYLINES)
		return bad();
	r->code = code;
	keep(r, line + (n > 3 ? 4 : 3), n > 3 ? n - 4 : 0);
	r->lines++;
	return n == 3 || line[3] == ' ';
}

/* The line at *p and the end of it; moves *p behind. */
static size_t next_line(const char **p, const char *end)
{
	const char *lf = memchr(*p, '\n', (size_t)(end - *p));
	size_t n = (size_t)((lf != NULL ? lf : end) - *p);

	*p += n + (lf != NULL);
	return n;
}

/* The first word of the line is the keyword (RFC 5321 4.1.1.1; the case is free). */
static int is_keyword(const char *line, size_t n, const char *keyword)
{
	size_t k = strlen(keyword);

	return n >= k && strncasecmp(line, keyword, k) == 0 && (n == k || line[k] == ' ');
}

int reply_has(const struct reply *r, const char *keyword, char *arg, size_t size)
{
	const char *p = r->text;
	const char *end = p + r->len;

	(void)next_line(&p, end); /* the first line is the server's name */
	while (p < end) {
		const char *line = p;
		size_t n = next_line(&p, end);
		size_t k = strlen(keyword);

		if (!is_keyword(line, n, keyword))
			continue;
		for (arg[0] = '\0'; n > k && line[k] == ' '; k++)
			;
		(void)snprintf(arg, size, "%.*s", (int)(n - k), line + k);
		arg[strcspn(arg, " ")] = '\0';
		return 1;
	}
	return 0;
}

/* Is the word one of those in n bytes? */
static int has_word(const char *p, size_t n, const char *word)
{
	size_t k = strlen(word);

	while (n > 0) {
		const char *blank = memchr(p, ' ', n);
		size_t len = blank != NULL ? (size_t)(blank - p) : n;

		if (len == k && strncasecmp(p, word, k) == 0)
			return 1;
		len += blank != NULL;
		p += len;
		n -= len;
	}
	return 0;
}

int reply_lists(const struct reply *r, const char *keyword, const char *word)
{
	const char *p = r->text;
	const char *end = p + r->len;
	size_t k = strlen(keyword);

	(void)next_line(&p, end);
	while (p < end) {
		const char *line = p;
		size_t n = next_line(&p, end);

		if (is_keyword(line, n, keyword) && has_word(line + k, n - k, word))
			return 1;
	}
	return 0;
}

/* Length of "x.y.z " at p (RFC 3463 2), or 0. */
static size_t enhanced(const char *p, size_t n)
{
	size_t i = 0;

	for (int part = 0; part < 3; part++) {
		size_t digits = 0;

		while (i < n && is_digit(p[i])) {
			i++;
			digits++;
		}
		if (digits == 0 || digits > 3 || i == n || p[i] != (part < 2 ? '.' : ' '))
			return 0;
		i++;
	}
	return i;
}

int reply_is_status(const struct reply *r, const char *prefix)
{
	size_t n = strlen(prefix);

	return enhanced(r->text, r->len) >= n && memcmp(r->text, prefix, n) == 0;
}

void reply_text(const struct reply *r, char out[LIMIT_TEXT + 1])
{
	char raw[4 + LIMIT_REPLY];
	const char *p = r->text;
	const char *end = p + r->len;
	size_t same = enhanced(p, r->len);
	size_t len = (size_t)snprintf(raw, sizeof raw, "%03d", r->code);

	for (int first = 1; p < end; first = 0) {
		const char *line = p;
		size_t n = next_line(&p, end);
		size_t skip =
		    !first && same > 0 && n >= same && memcmp(line, r->text, same) == 0
			? same
			: 0;

		raw[len++] = ' ';
		memcpy(raw + len, line + skip, n - skip);
		len += n - skip;
	}
	(void)escape_text(out, LIMIT_TEXT + 1, raw, len);
}
