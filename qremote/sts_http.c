#include "sts_http.h"

#include <stdint.h>
#include <string.h>

#include "ascii.h"
#include "num.h"

/* A piece of what came, taken from its front. */
struct text {
	char *p;
	size_t n;
};

struct head {
	int has_length, has_chunks, has_type;
	uint64_t length;
	const char **why;
};

static int bad(const char **why, const char *text)
{
	*why = text;
	return -1;
}

/* The next line, without its CRLF: 1, or 0 there is no end yet. */
static int take_line(struct text *t, struct text *line)
{
	for (size_t i = 0; i + 1 < t->n; i++)
		if (t->p[i] == '\r' && t->p[i + 1] == '\n') {
			*line = (struct text){t->p, i};
			t->p += i + 2;
			t->n -= i + 2;
			return 1;
		}
	return 0;
}

static int is_space(char c)
{
	return c == ' ' || c == '\t';
}

static struct text trim(struct text t)
{
	while (t.n > 0 && is_space(t.p[0])) {
		t.p++;
		t.n--;
	}
	while (t.n > 0 && is_space(t.p[t.n - 1]))
		t.n--;
	return t;
}

static int is_word(struct text t, const char *word)
{
	if (t.n != strlen(word))
		return 0;
	for (size_t i = 0; i < t.n; i++)
		if (ascii_lower(t.p[i]) != word[i])
			return 0;
	return 1;
}

/* ---- the head ---- */

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* HTTP/1.1 200 OK */
static int read_status(struct text line, const char **why)
{
	if (line.n < 12 || memcmp(line.p, "HTTP/1.", 7) != 0 || !is_digit(line.p[7]) ||
	    line.p[8] != ' ' || !is_digit(line.p[9]) || !is_digit(line.p[10]) ||
	    !is_digit(line.p[11]) || (line.n > 12 && line.p[12] != ' '))
		return bad(why, "the answer is not HTTP");
	if (line.p[9] == '3') /* RFC 8461 3.3: not to be followed */
		return bad(why, "the web server sends us elsewhere");
	if (memcmp(line.p + 9, "200", 3) != 0)
		return bad(why, "the web server has no policy (its status is not 200)");
	return 0;
}

static int take_length(struct head *h, struct text value)
{
	uint64_t v;

	if (num_parse_n(value.p, value.n, UINT64_MAX, &v) == -1 ||
	    (h->has_length && v != h->length))
		return bad(h->why, "Content-Length is broken");
	if (v > LIMIT_HTTPBODY)
		return bad(h->why, "the policy is too long");
	h->has_length = 1;
	h->length = v;
	return 0;
}

static int take_encoding(struct head *h, struct text value)
{
	if (h->has_chunks++ || !is_word(value, "chunked"))
		return bad(h->why, "a transfer encoding that we do not know");
	return 0;
}

static int take_content_encoding(struct head *h, struct text value)
{
	return is_word(value, "identity") ? 0 : bad(h->why, "the policy is compressed");
}

static int take_type(struct head *h, struct text value)
{
	char *end = value.n > 0 ? memchr(value.p, ';', value.n) : NULL;

	if (end != NULL)
		value.n = (size_t)(end - value.p);
	if (h->has_type++ || !is_word(trim(value), "text/plain"))
		return bad(h->why, "the policy is not text/plain");
	return 0;
}

static const struct {
	const char *name;
	int (*take)(struct head *h, struct text value);
} fields[] = {
    {"content-length", take_length},
    {"transfer-encoding", take_encoding},
    {"content-encoding", take_content_encoding},
    {"content-type", take_type},
};

/* RFC 9110 5.6.2: a token. */
static int is_token(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (t.p[i] <= ' ' || t.p[i] > '~' ||
		    strchr("\"(),/:;<=>?@[\\]{}", t.p[i]) != NULL)
			return 0;
	return t.n > 0;
}

static int is_value(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if (((unsigned char)t.p[i] < ' ' && t.p[i] != '\t') || t.p[i] == 0x7f)
			return 0;
	return 1;
}

static int read_field(struct head *h, struct text line)
{
	char *colon = memchr(line.p, ':', line.n);
	struct text name = {line.p, colon != NULL ? (size_t)(colon - line.p) : 0};
	struct text value;

	if (!is_token(name))
		return bad(h->why, "a header field is broken");
	value = trim((struct text){colon + 1, line.n - name.n - 1});
	if (!is_value(value))
		return bad(h->why, "a header field is broken");
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
		if (is_word(name, fields[i].name))
			return fields[i].take(h, value);
	return 0;
}

/* 1, 0 or -1; then t begins behind it. */
static int read_head(struct text *t, struct head *h)
{
	struct text all = *t;
	struct text line;

	for (int first = 1; take_line(t, &line); first = 0) {
		if ((size_t)(t->p - all.p) > LIMIT_HTTPHEAD)
			break;
		if (line.n == 0 && !first)
			return 1;
		if ((first ? read_status(line, h->why) : read_field(h, line)) == -1)
			return -1;
	}
	return all.n <= LIMIT_HTTPHEAD ? 0 : bad(h->why, "the answer's head is too long");
}

/* ---- chunks (RFC 9112 7.1) ---- */

static int hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, ascii_lower(c)) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* A chunk's size; what is behind a semicolon says nothing to us. */
static int read_size(struct text line, size_t *size)
{
	size_t i;

	*size = 0;
	for (i = 0; i < line.n && hex(line.p[i]) >= 0; i++) {
		*size = *size * 16 + (size_t)hex(line.p[i]);
		if (*size > LIMIT_HTTPBODY)
			return -1;
	}
	if (i == 0 || (i < line.n && line.p[i] != ';' && !is_space(line.p[i])))
		return -1;
	return 0;
}

/* What follows the last chunk, to an empty line. */
static int skip_trailer(struct text t)
{
	struct text line;

	while (take_line(&t, &line))
		if (line.n == 0)
			return 1;
	return 0;
}

/* Walks over the chunks; with join their bytes are put one behind the other at t.p. */
static int walk(struct text t, int join, size_t *len, const char **why)
{
	char *out = t.p;
	struct text line;
	size_t size;

	for (*len = 0; take_line(&t, &line); *len += size) {
		if (read_size(line, &size) == -1 || *len + size > LIMIT_HTTPBODY)
			return bad(why, "a chunk of the answer is broken or too long");
		if (size == 0)
			return skip_trailer(t);
		if (t.n < size + 2)
			return 0;
		if (memcmp(t.p + size, "\r\n", 2) != 0)
			return bad(why, "a chunk of the answer is broken");
		if (join)
			memmove(out + *len, t.p, size);
		t.p += size + 2;
		t.n -= size + 2;
	}
	return 0;
}

int sts_http(char *buf, size_t n, char **body, size_t *len, const char **why)
{
	struct text t = {buf, n};
	struct head h = {.why = why};
	int r = read_head(&t, &h);

	if (r != 1)
		return r;
	if (!h.has_type)
		return bad(why, "the policy is not text/plain");
	if (h.has_length == h.has_chunks) /* both is a way to smuggle, none has no end */
		return bad(why, "the answer does not say where it ends");
	*body = t.p;
	if (h.has_chunks) {
		r = walk(t, 0, len, why);
		return r == 1 ? walk(t, 1, len, why) : r;
	}
	*len = (size_t)h.length;
	return t.n >= *len;
}
