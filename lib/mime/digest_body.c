#include "mime/digest_int.h"
#include "mime/mime_param.h"
#include "mime/parse_int.h"

struct writer {
	struct sbuf *full, *brief;
	const struct mime *m;
	uint32_t part;
};

static int span(struct sbuf *out, struct mime_span s)
{
	return digest_string(out, s.p, s.n);
}

static int words_of(const struct writer *w, enum mime_name name, struct mime_words *words)
{
	const struct mime_found *f = mime_found(w->m, w->part, name);

	if (f == NULL)
		return 0;
	mime_words_init(words, mime_head_text(w->m, w->part) + f->at, f->end - f->at);
	return 1;
}

/* Parameters; a text without a charset is US-ASCII (RFC 2045 5.2), and other servers say so. */
static int params(struct writer *w, struct mime_words *words, int wants_charset)
{
	struct sbuf *scratch = &w->m->state->text[1];
	struct mime_param v;
	size_t n = 0;
	int r = 0;

	while (n < MIME_PARAMS && (r = mime_words_param(words, &v, scratch)) == 1) {
		if (sbuf_catc(w->full, n++ == 0 ? '(' : ' ') == -1 ||
		    digest_string(w->full, v.name.p, v.name.n + (v.extended != 0)) ==
			-1 ||
		    sbuf_catc(w->full, ' ') == -1 ||
		    digest_string(w->full, scratch->p, scratch->len) == -1)
			return -1;
		if (mime_same(v.name.p, v.name.n, "charset"))
			wants_charset = 0;
	}
	if (r == -1)
		return -1;
	if (wants_charset &&
	    sbuf_cats(w->full, n++ == 0 ? "(\"charset\" \"us-ascii\""
					: " \"charset\" \"us-ascii\"") == -1)
		return -1;
	return n > 0 ? sbuf_catc(w->full, ')') : sbuf_cats(w->full, "NIL");
}

static int type(struct writer *w)
{
	const struct mime_head *h = &w->m->state->head[w->part];
	struct mime_words words;
	struct mime_span name, sub;

	if (!h->has_type && h->is_default_message)
		return sbuf_cats(w->full, "\"message\" \"rfc822\" NIL");
	if (!h->has_type || !words_of(w, NAME_TYPE, &words) ||
	    mime_words_type(&words, &name, &sub) == -1)
		return sbuf_cats(w->full,
				 "\"text\" \"plain\" (\"charset\" \"us-ascii\")");
	if (span(w->full, name) == -1 || sbuf_catc(w->full, ' ') == -1 ||
	    span(w->full, sub) == -1 || sbuf_catc(w->full, ' ') == -1)
		return -1;
	return params(w, &words, mime_same(name.p, name.n, "text"));
}

static int encoding(struct writer *w)
{
	struct mime_words words;
	struct mime_span name;

	if (!words_of(w, NAME_ENCODING, &words) || mime_words_token(&words, &name) == -1)
		return sbuf_cats(w->full, "\"7bit\"");
	return span(w->full, name);
}

static int field(struct writer *w, enum mime_name name)
{
	return sbuf_catc(w->full, ' ') == -1 ? -1
					     : digest_field(w->full, w->m, w->part, name);
}

static int number(struct writer *w, uint64_t n)
{
	return sbuf_catc(w->full, ' ') == -1 ? -1 : sbuf_catu(w->full, n);
}

static int disposition(struct writer *w)
{
	struct mime_words words;
	struct mime_span name;

	if (!words_of(w, NAME_DISPOSITION, &words) ||
	    mime_words_token(&words, &name) == -1)
		return sbuf_cats(w->full, " NIL");
	if (sbuf_cats(w->full, " (") == -1 || span(w->full, name) == -1 ||
	    sbuf_catc(w->full, ' ') == -1 || params(w, &words, 0) == -1)
		return -1;
	return sbuf_catc(w->full, ')');
}

static int language(struct writer *w)
{
	struct mime_words words;
	struct mime_span word;
	size_t n = 0;

	if (!words_of(w, NAME_LANGUAGE, &words))
		return sbuf_cats(w->full, " NIL");
	while (n < MIME_PARAMS && mime_words_list(&words, &word)) {
		if (sbuf_cats(w->full, n++ == 0 ? " (" : " ") == -1 ||
		    span(w->full, word) == -1)
			return -1;
	}
	return n > 0 ? sbuf_catc(w->full, ')') : sbuf_cats(w->full, " NIL");
}

/* The end of what both texts have, from full's byte at on; extension data are full's alone. */
static int both(struct writer *w, size_t at)
{
	return sbuf_cat(w->brief, w->full->p + at, w->full->len - at);
}

static int close_part(struct writer *w)
{
	if (disposition(w) == -1 || language(w) == -1 || field(w, NAME_LOCATION) == -1 ||
	    sbuf_catc(w->full, ')') == -1)
		return -1;
	return sbuf_catc(w->brief, ')');
}

static int single(struct writer *w, const struct mime_part *part)
{
	if (sbuf_catc(w->full, '(') == -1 || type(w) == -1 || field(w, NAME_ID) == -1 ||
	    field(w, NAME_DESCRIPTION) == -1 || sbuf_catc(w->full, ' ') == -1 ||
	    encoding(w) == -1 || number(w, part->body_wire) == -1)
		return -1;
	return 0;
}

static int leaf(struct writer *w)
{
	const struct mime_part *part = &w->m->part[w->part];
	size_t at = w->full->len;

	if (single(w, part) == -1 || (part->is_text && number(w, part->lines) == -1) ||
	    both(w, at) == -1 || field(w, NAME_MD5) == -1)
		return -1;
	return close_part(w);
}

static int message(struct writer *w)
{
	const struct mime_part *part = &w->m->part[w->part];
	size_t at = w->full->len;

	if (single(w, part) == -1 || sbuf_catc(w->full, ' ') == -1 ||
	    digest_envelope(w->full, w->m, part->child) == -1 ||
	    sbuf_catc(w->full, ' ') == -1)
		return -1;
	return both(w, at);
}

static int message_close(struct writer *w)
{
	size_t at = w->full->len;

	if (number(w, w->m->part[w->part].lines) == -1 || both(w, at) == -1 ||
	    field(w, NAME_MD5) == -1)
		return -1;
	return close_part(w);
}

/* RFC 9051's grammar wants one part at least. */
static int multipart(struct writer *w)
{
	static const char none[] = "(\"text\" \"plain\" (\"charset\" \"us-ascii\")"
				   " NIL NIL \"7bit\" 0 0";

	if (sbuf_catc(w->full, '(') == -1 || sbuf_catc(w->brief, '(') == -1)
		return -1;
	if (w->m->part[w->part].child != 0)
		return 0;
	if (sbuf_cats(w->full, none) == -1 ||
	    sbuf_cats(w->full, " NIL NIL NIL NIL)") == -1 ||
	    sbuf_cats(w->brief, none) == -1)
		return -1;
	return sbuf_catc(w->brief, ')');
}

static int multipart_close(struct writer *w)
{
	struct mime_words words;
	struct mime_span name, sub;
	size_t at = w->full->len;

	if (!words_of(w, NAME_TYPE, &words) ||
	    mime_words_type(&words, &name, &sub) == -1 || sbuf_catc(w->full, ' ') == -1 ||
	    span(w->full, sub) == -1 || both(w, at) == -1 ||
	    sbuf_catc(w->full, ' ') == -1 || params(w, &words, 0) == -1)
		return -1;
	return close_part(w);
}

static int enter(struct writer *w)
{
	static int (*const begin[])(struct writer *) = {leaf, multipart, message};

	return begin[w->m->part[w->part].kind](w);
}

static int leave(struct writer *w)
{
	return w->m->part[w->part].kind == MIME_MULTIPART ? multipart_close(w)
							  : message_close(w);
}

/* To the part behind w->part, leaving those that end there; 0 at the end. */
static int next(struct writer *w)
{
	const struct mime_part *part = w->m->part;

	for (;;) {
		if (part[w->part].kind != MIME_LEAF && leave(w) == -1)
			return -1;
		if (part[w->part].next != 0) {
			w->part = part[w->part].next;
			return 1;
		}
		if (w->part == 0)
			return 0;
		w->part = part[w->part].parent;
	}
}

int digest_structure(struct sbuf *full, struct sbuf *brief, const struct mime *m)
{
	struct writer w = {full, brief, m, 0};
	int r;

	do {
		if (enter(&w) == -1)
			return -1;
		if (m->part[w.part].child != 0) {
			w.part = m->part[w.part].child;
			r = 1;
		} else {
			r = next(&w);
		}
	} while (r == 1);
	return r;
}
