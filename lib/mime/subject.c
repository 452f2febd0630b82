#include "mime/subject.h"

#include <string.h>

#include "ascii.h"
#include "mime/fold.h"
#include "mime/unicode.h"
#include "mime/words.h"
#include "sbuf.h"

/* What is left of a subject. */
struct rest {
	const char *p;
	const char *end;
	int is_reply;
};

static const char *skip_spaces(const char *p, const char *end)
{
	while (p < end && *p == ' ')
		p++;
	return p;
}

static int begins(const char *p, const char *end, const char *with)
{
	for (; *with != '\0'; p++, with++)
		if (p == end || ascii_lower(*p) != *with)
			return 0;
	return 1;
}

/* "[…] " at p: behind it, or p. */
static const char *skip_blob(const char *p, const char *end)
{
	const char *q = p;

	if (q == end || *q != '[')
		return p;
	do
		q++;
	while (q < end && *q != '[' && *q != ']');
	return q < end && *q == ']' ? skip_spaces(q + 1, end) : p;
}

/* "Re: ", "Fwd [list]: " at p: behind it, or p. */
static const char *skip_refwd(const char *p, const char *end)
{
	const char *q = p;

	if (begins(p, end, "re"))
		q += 2;
	else if (begins(p, end, "fw"))
		q += begins(p, end, "fwd") ? 3 : 2;
	else
		return p;
	q = skip_blob(skip_spaces(q, end), end);
	return q < end && *q == ':' ? skip_spaces(q + 1, end) : p;
}

/* RFC 5256 2.1 (2) */
static void drop_trailers(struct rest *r)
{
	for (;;) {
		while (r->end > r->p && r->end[-1] == ' ')
			r->end--;
		if (r->end - r->p < 5 || !begins(r->end - 5, r->end, "(fwd)"))
			return;
		r->end -= 5;
		r->is_reply = 1;
	}
}

/* (3) to (5): leaders; then blobs, as long as something stays. What stands behind all the
 * blobs decides for each of them: none is looked at twice. */
static void drop_leaders(struct rest *r)
{
	const char *p, *next, *last;

	r->p = skip_spaces(r->p, r->end);
	for (;;) {
		last = p = r->p;
		while ((next = skip_blob(p, r->end)) != p) {
			last = p;
			p = next;
		}
		next = skip_refwd(p, r->end);
		if (next == p)
			break;
		r->p = next;
		r->is_reply = 1;
	}
	r->p = p < r->end ? p : last;
}

/* (6) */
static int drop_forwarded(struct rest *r)
{
	if (!begins(r->p, r->end, "[fwd:") || r->end[-1] != ']')
		return 0;
	r->p += 5;
	r->end--;
	r->is_reply = 1;
	return 1;
}

/* (1), second half: blanks are single spaces. */
static size_t collapse(char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n; i++) {
		char c = p[i] == '\t' ? ' ' : p[i];

		if (c != ' ' || out == 0 || p[out - 1] != ' ')
			p[out++] = c;
	}
	return out;
}

/* The rest lies in out behind start; its folded form takes its place. */
static int put_folded(struct sbuf *out, size_t start, const struct rest *r)
{
	size_t n = (size_t)(r->end - r->p);
	struct sbuf copy = SBUF_INIT(n);
	const char *p = r->p;
	int result;

	if (ascii_span(p, n) == n) {
		char *to = out->p + start;

		for (size_t i = 0; i < n; i++)
			to[i] = (char)(p[i] >= 'a' && p[i] <= 'z' ? p[i] - 0x20 : p[i]);
		out->len = start + n;
		return 0;
	}
	result = sbuf_cat(&copy, p, n);
	out->len = start;
	if (result == 0)
		result = fold_text(out, copy.p, n);
	sbuf_free(&copy);
	return result;
}

int subject_base(struct sbuf *out, const char *p, size_t n, int *is_reply)
{
	size_t start = out->len;
	struct rest r = {0};

	*is_reply = 0;
	if (words_decode(out, p, n) == -1) {
		out->len = start;
		return -1;
	}
	if (out->len == start)
		return 0;
	r.p = out->p + start;
	r.end = r.p + collapse(out->p + start, out->len - start);
	do {
		drop_trailers(&r);
		drop_leaders(&r);
	} while (drop_forwarded(&r));
	*is_reply = r.is_reply;
	return put_folded(out, start, &r);
}
