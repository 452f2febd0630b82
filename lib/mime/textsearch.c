#include "mime/textsearch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mime/charset.h"
#include "mime/charset_int.h"
#include "mime/textsearch_int.h"
#include "mime/transfer.h"
#include "mime/unicode.h"

struct text_search *text_init(void)
{
	struct text_search *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	mime_init(&t->mime);
	sbuf_init(&t->file, TEXT_WHOLE + 1);
	sbuf_init(&t->raw, SIZE_MAX / 2);
	sbuf_init(&t->text, SIZE_MAX / 2);
	return t;
}

void text_free(struct text_search *t)
{
	if (t == NULL)
		return;
	mime_free(&t->mime);
	sbuf_free(&t->file);
	sbuf_free(&t->raw);
	sbuf_free(&t->text);
	free(t);
}

/* ---- the file ---- */

static ssize_t fill(struct text_search *t, uint64_t at, size_t n)
{
	ssize_t got;

	t->file.len = 0;
	t->at = at;
	if (sbuf_reserve(&t->file, n) == -1)
		return -1;
	do
		got = pread(t->fd, t->file.p + t->file.len, n - t->file.len,
			    (off_t)(at + t->file.len));
	while ((got == -1 && errno == EINTR) ||
	       (got > 0 && (t->file.len += (size_t)got) < n));
	return got == -1 ? -1 : (ssize_t)t->file.len;
}

ssize_t text_view(struct text_search *t, uint64_t at, uint64_t n, const char **p)
{
	uint64_t in;

	if (at < t->at || at - t->at >= t->file.len) {
		if (t->size <= TEXT_WHOLE || at >= t->size)
			return 0;
		if (fill(t, at, TEXT_PIECE) == -1)
			return -1;
	}
	in = at - t->at;
	*p = t->file.p + in;
	return (ssize_t)(t->file.len - in < n ? t->file.len - in : n);
}

static int parse(struct text_search *t)
{
	const char *p;
	ssize_t n;

	if (mime_begin(&t->mime) == -1)
		return -1;
	for (uint64_t at = 0; (n = text_view(t, at, UINT64_MAX, &p)) > 0;
	     at += (uint64_t)n)
		if (mime_feed(&t->mime, p, (size_t)n) == -1)
			return -1;
	return n == -1 ? -1 : mime_end(&t->mime);
}

static int open_message(struct text_search *t, int fd)
{
	struct stat st;

	t->fd = fd;
	if (fstat(fd, &st) == -1)
		return -1;
	t->size = (uint64_t)st.st_size;
	if (fill(t, 0, t->size <= TEXT_WHOLE ? (size_t)t->size : TEXT_PIECE) == -1)
		return -1;
	return parse(t);
}

/* ---- looking ---- */

void text_look(struct text_search *t, const char *p, size_t n, int in_header)
{
	for (size_t i = 0; i < t->nkeys; i++) {
		struct text_key *k = &t->key[i];

		if (k->hit || (in_header && k->body) || !needle_in(k->needle, p, n))
			continue;
		k->hit = 1;
		t->open--;
	}
}

/* Of a long text the end is looked at again, with what follows. */
static void look_at_text(struct text_search *t, int in_header, int last)
{
	size_t keep = last ? 0 : t->text.len < t->overlap ? t->text.len : t->overlap;

	if (t->text.len == 0 || (!last && t->text.len < TEXT_PIECE + t->overlap))
		return;
	text_look(t, t->text.p, t->text.len, in_header);
	memmove(t->text.p, t->text.p + t->text.len - keep, keep);
	t->text.len = keep;
}

/* ---- a part's body ---- */

static int is_utf8(const struct charset *c)
{
	return c->kind == CHARSET_UTF8;
}

/* One piece, through both codings. */
static int put_piece(struct text_search *t, struct transfer *tr, struct charset *c,
		     const char *p, size_t n)
{
	t->raw.len = 0;
	if (transfer_add(tr, is_utf8(c) ? &t->text : &t->raw, p, n) == -1 ||
	    (!is_utf8(c) && charset_add(c, &t->text, t->raw.p, t->raw.len) == -1))
		return -1;
	look_at_text(t, 0, 0);
	return 0;
}

static int end_body(struct text_search *t, struct transfer *tr, struct charset *c)
{
	t->raw.len = 0;
	if (transfer_end(tr, is_utf8(c) ? &t->text : &t->raw) == -1)
		return -1;
	if (!is_utf8(c) && (charset_add(c, &t->text, t->raw.p, t->raw.len) == -1 ||
			    charset_end(c, &t->text) == -1))
		return -1;
	look_at_text(t, 0, 1);
	return 0;
}

static void open_charset(const struct text_search *t, const struct mime_part *part,
			 struct charset *c)
{
	const char *name = t->mime.text.p + part->charset;

	if (part->charset == 0 || !charset_open(c, name, strlen(name)))
		(void)charset_open(c, "utf-8", 5); /* not known: as it stands */
}

static int is_plain(const struct mime_part *part)
{
	return part->encoding != MIME_QP && part->encoding != MIME_BASE64;
}

/* Is it UTF-8 as it lies there? */
static int is_text(const struct mime_part *part, const struct charset *c, const char *p,
		   size_t n)
{
	return is_plain(part) &&
	       (is_utf8(c) || (c->kind == CHARSET_TABLE && ascii_span(p, n) == n));
}

static int look_in_body(struct text_search *t, const struct mime_part *part)
{
	struct transfer tr;
	struct charset c;
	const char *p = NULL;
	ssize_t n;

	open_charset(t, part, &c);
	n = text_view(t, part->body, part->end - part->body, &p);
	if (n > 0 && (uint64_t)n == part->end - part->body &&
	    is_text(part, &c, p, (size_t)n)) {
		text_look(t, p, (size_t)n, 0); /* nothing to undo, nothing to copy */
		return 0;
	}
	t->text.len = 0;
	transfer_begin(&tr, is_plain(part) ? MIME_8BIT : part->encoding);
	for (uint64_t at = part->body; at < part->end && t->open > 0; at += (uint64_t)n) {
		n = text_view(t, at, part->end - at, &p);
		if (n <= 0)
			break;
		if (put_piece(t, &tr, &c, p, (size_t)n) == -1)
			return -1;
	}
	return n == -1 ? -1 : end_body(t, &tr, &c);
}

/* ---- a part's header ---- */

static int look_in_header(struct text_search *t, const struct mime_part *part)
{
	uint64_t end = part->body < part->header + MIME_HEADER
			   ? part->body
			   : part->header + MIME_HEADER;
	const char *p = NULL;
	ssize_t n = text_view(t, part->header, end - part->header, &p);

	t->raw.len = t->text.len = 0;
	if (n > 0 && (uint64_t)n < end - part->header) { /* not in one view */
		for (uint64_t at = part->header; at < end && n > 0; at += (uint64_t)n) {
			n = text_view(t, at, end - at, &p);
			if (n > 0 && sbuf_cat(&t->raw, p, (size_t)n) == -1)
				return -1;
		}
		p = t->raw.p;
		n = n == -1 ? -1 : (ssize_t)t->raw.len;
	}
	if (n <= 0)
		return (int)n;
	if (text_header(&t->text, p, (size_t)n) == -1)
		return -1;
	look_at_text(t, 1, 1);
	return 0;
}

/* ---- the message ---- */

static int set_keys(struct text_search *t, struct text_key *k, size_t n)
{
	int in_headers = 0;

	t->key = k;
	t->nkeys = t->open = n;
	t->overlap = 0;
	for (size_t i = 0; i < n; i++) {
		k[i].hit = 0;
		in_headers |= !k[i].body;
		if (TEXT_WIDEST * k[i].needle->n > t->overlap)
			t->overlap = TEXT_WIDEST * k[i].needle->n;
	}
	return in_headers;
}

int text_search(struct text_search *t, int fd, struct text_key *k, size_t n)
{
	int in_headers = set_keys(t, k, n);

	if (open_message(t, fd) == -1)
		return -1;
	for (size_t i = 0; i < t->mime.n && t->open > 0; i++) {
		const struct mime_part *part = &t->mime.part[i];

		if (in_headers && look_in_header(t, part) == -1)
			return -1;
		if (part->kind == MIME_LEAF && part->is_text && t->open > 0 &&
		    look_in_body(t, part) == -1)
			return -1;
	}
	text_look(t, "", 0, 0); /* the empty needle is in an empty message too */
	return 0;
}
