#include "logline.h"

#include <errno.h>
#include <string.h>

#include "num.h"

enum {
	STAMP = 1 + 24, /* "@", 16 digits of seconds, 8 of nanoseconds */
	/* s6-log counts TAI: since 2017 that is so much ahead of UTC, of which 10
	 * belong to the format (TAI64 begins in 1970 with them). */
	TAI_AHEAD = 37,
};
static const uint64_t tai_base = (uint64_t)1 << 62;

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_hex(const char *p, size_t n, uint64_t *v)
{
	*v = 0;
	for (size_t i = 0; i < n; i++) {
		int digit = hex_value(p[i]);

		if (digit == -1)
			return -1;
		*v = *v << 4 | (uint64_t)digit;
	}
	return 0;
}

static int take_stamp(const char *p, size_t n, uint64_t *ns)
{
	uint64_t seconds;
	uint64_t nano;

	if (n < STAMP + 1 || p[0] != '@' || p[STAMP] != ' ' ||
	    take_hex(p + 1, 16, &seconds) == -1 || take_hex(p + 17, 8, &nano) == -1 ||
	    seconds < tai_base + TAI_AHEAD || nano >= 1000000000)
		return -1;
	seconds -= tai_base + TAI_AHEAD;
	if (seconds > UINT64_MAX / 1000000000 - 1)
		return -1;
	*ns = seconds * 1000000000 + nano;
	return 0;
}

/* The word at the front of s, which moves on behind it and its blank. */
static struct span take_word(struct span *s)
{
	const char *end = memchr(s->p, ' ', s->n);
	struct span word = {s->p, end != NULL ? (size_t)(end - s->p) : s->n};
	size_t used = word.n + (end != NULL);

	s->p += used;
	s->n -= used;
	return word;
}

int logline_parse(struct logline *l, const char *p, size_t n)
{
	struct span rest;

	errno = EBADMSG;
	if (take_stamp(p, n, &l->ns) == -1)
		return -1;
	rest = (struct span){p + STAMP + 1, n - STAMP - 1};
	l->text = rest;
	l->program = take_word(&rest);
	if (l->program.n < 2 || l->program.p[l->program.n - 1] != ':')
		return -1;
	l->program.n--;
	l->event = take_word(&rest);
	l->fields = rest;
	return l->event.n > 0 ? 0 : -1;
}

int logline_is_sentence(const struct logline *l)
{
	return l->event.p[l->event.n - 1] == ':';
}

int logline_next(struct span *fields, struct span *key, struct span *value)
{
	while (fields->n > 0) {
		struct span word = take_word(fields);
		const char *is = memchr(word.p, '=', word.n);

		if (is == NULL || is == word.p)
			continue;
		*key = (struct span){word.p, (size_t)(is - word.p)};
		*value = (struct span){is + 1, word.n - key->n - 1};
		return 1;
	}
	return 0;
}

int span_is(struct span s, const char *text)
{
	return strlen(text) == s.n && memcmp(s.p, text, s.n) == 0;
}

int logline_get(const struct logline *l, const char *key, struct span *value)
{
	struct span fields = l->fields;
	struct span k;

	if (logline_is_sentence(l))
		return 0;
	while (logline_next(&fields, &k, value))
		if (span_is(k, key))
			return 1;
	return 0;
}

int logline_num(const struct logline *l, const char *key, uint64_t max, uint64_t *v)
{
	struct span s;

	return logline_get(l, key, &s) && num_parse_n(s.p, s.n, max, v) == 0;
}

static int take_id(struct span s, char id[QID_LEN + 1])
{
	uint64_t ns;

	if (s.n != QID_LEN)
		return 0;
	memcpy(id, s.p, QID_LEN);
	id[QID_LEN] = '\0';
	return qid_parse(id, &ns) == 0;
}

int logline_id(const struct logline *l, const char *key, char id[QID_LEN + 1])
{
	struct span s;

	return logline_get(l, key, &s) && take_id(s, id);
}

static int is_digit_or_letter(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* In a value a blank is \x20, which must not look like letters of the word behind it. */
static size_t skip_escape(struct span s)
{
	return s.n >= 4 && s.p[0] == '\\' && s.p[1] == 'x' ? 4 : 1;
}

int span_id(struct span *s, char id[QID_LEN + 1])
{
	while (s->n > 0) {
		size_t n = 0;
		struct span word;

		while (n < s->n && is_digit_or_letter(s->p[n]))
			n++;
		word = (struct span){s->p, n};
		if (n == 0)
			n = skip_escape(*s);
		s->p += n;
		s->n -= n;
		if (take_id(word, id))
			return 1;
	}
	return 0;
}

size_t span_unescape(char *out, size_t size, struct span value)
{
	size_t n = 0;

	if (span_is(value, "\"\""))
		return 0;
	for (size_t i = 0; i < value.n && n < size; n++) {
		uint64_t byte;

		if (value.n - i >= 4 && value.p[i] == '\\' && value.p[i + 1] == 'x' &&
		    take_hex(value.p + i + 2, 2, &byte) == 0) {
			out[n] = (char)byte;
			i += 4;
		} else
			out[n] = value.p[i++];
	}
	return n;
}
