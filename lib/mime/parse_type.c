#include <stdlib.h>
#include <string.h>

#include "mime/charset.h"
#include "mime/mime_param.h"
#include "mime/parse_int.h"

static int keep(struct mime_state *s, const struct mime_field *f, enum mime_name name)
{
	if (s->nfound == s->found_cap) {
		size_t cap = s->found_cap > 0 ? s->found_cap * 2 : 64;
		struct mime_found *bigger = realloc(s->found, cap * sizeof *bigger);

		if (bigger == NULL)
			return -1;
		s->found = bigger;
		s->found_cap = cap;
	}
	s->found[s->nfound++] =
	    (struct mime_found){(uint32_t)f->body, (uint32_t)f->end, name};
	return 0;
}

/* Of a field that there should be once the first counts; addresses add up, lest somebody
 * shows others than those that were judged. */
static int find_fields(struct mime *m, uint32_t part)
{
	struct mime_state *s = m->state;
	struct mime_head *h = &s->head[part];
	const char *p = mime_head_text(m, part);
	struct mime_field f;
	uint32_t seen = 0;
	size_t at = 0;

	h->found = (uint32_t)s->nfound;
	while (s->nfound < MIME_FIELDS && mime_field_next(p, h->len, &at, &f)) {
		enum mime_name name = mime_name(p + f.start, f.name_len);

		if (name == NAME_OTHER || (name >= NAME_DATE && !h->is_root) ||
		    (name < NAME_FROM && (seen & 1U << name)))
			continue;
		seen |= 1U << name;
		if (keep(s, &f, name) == -1)
			return -1;
	}
	h->n = (uint32_t)s->nfound - h->found;
	return 0;
}

static int is_word(struct mime_span s, const char *word)
{
	return mime_same(s.p, s.n, word);
}

static uint8_t encoding_read(const struct mime *m, uint32_t part)
{
	static const struct {
		const char *name;
		enum mime_encoding what;
	} known[] = {
	    {"7bit", MIME_7BIT},     {"8bit", MIME_8BIT},
	    {"binary", MIME_BINARY}, {"quoted-printable", MIME_QP},
	    {"base64", MIME_BASE64},
	};
	const struct mime_found *f = mime_found(m, part, NAME_ENCODING);
	struct mime_words w;
	struct mime_span word;

	if (f == NULL)
		return MIME_7BIT;
	mime_words_init(&w, mime_head_text(m, part) + f->at, f->end - f->at);
	if (mime_words_token(&w, &word) == -1)
		return MIME_7BIT;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (is_word(word, known[i].name))
			return (uint8_t)known[i].what;
	return MIME_UNKNOWN;
}

static int charset_keep(struct mime *m, struct mime_part *part, struct mime_span name)
{
	if (name.n == 0 || name.n > CHARSET_NAME ||
	    memchr(name.p, '\0', name.n) != NULL ||
	    name.n + 1 > m->text.max - m->text.len)
		return 0;
	part->charset = (uint32_t)m->text.len;
	if (sbuf_cat(&m->text, name.p, name.n) == -1)
		return -1;
	return sbuf_catc(&m->text, '\0');
}

static int boundary_keep(struct mime_state *s, struct mime_level *l, struct mime_span b)
{
	while (b.n > 0 && (b.p[b.n - 1] == ' ' || b.p[b.n - 1] == '\t'))
		b.n--;
	if (b.n == 0 || b.n > MIME_BOUNDARY)
		return 0;
	l->boundary_len = b.n;
	s->open++;
	return sbuf_cat(&s->bounds, b.p, b.n);
}

/* The value of charset*=us-ascii'en'utf-8, if no byte of it is encoded. */
static struct mime_span plain_value(const struct sbuf *b, int extended)
{
	struct mime_span v = {b->p, b->len};

	for (int quotes = 0; extended && v.n > 0 && quotes < 2; v.p++, v.n--)
		quotes += *v.p == '\'';
	return v;
}

static int params_read(struct mime *m, struct mime_level *l, struct mime_words *w)
{
	struct mime_part *part = &m->part[l->part];
	struct sbuf *scratch = &m->state->text[1];
	struct mime_param v;
	int r = 0;

	for (size_t i = 0; i < MIME_PARAMS; i++) {
		struct mime_span value;

		r = mime_words_param(w, &v, scratch);
		if (r != 1)
			return r;
		value = plain_value(scratch, v.extended);
		if (part->charset == 0 && part->is_text && is_word(v.name, "charset"))
			r = charset_keep(m, part, value);
		else if (l->boundary_len == 0 && part->kind == MIME_MULTIPART &&
			 is_word(v.name, "boundary"))
			r = boundary_keep(m->state, l, value);
		if (r == -1)
			return -1;
	}
	return 0;
}

static enum mime_kind kind_of(struct mime_span type, struct mime_span sub)
{
	if (is_word(type, "multipart"))
		return MIME_MULTIPART;
	if (is_word(type, "message") &&
	    (is_word(sub, "rfc822") || is_word(sub, "global")))
		return MIME_MESSAGE;
	return MIME_LEAF;
}

/* Without a field, or with one that says nothing: text/plain (RFC 2045 5.2), or a message
 * in a digest. */
static int type_read(struct mime *m, struct mime_level *l)
{
	struct mime_part *part = &m->part[l->part];
	struct mime_head *h = &m->state->head[l->part];
	const struct mime_found *f = mime_found(m, l->part, NAME_TYPE);
	struct mime_span type, sub;
	struct mime_words w;

	if (f != NULL)
		mime_words_init(&w, mime_head_text(m, l->part) + f->at, f->end - f->at);
	if (f == NULL || mime_words_type(&w, &type, &sub) == -1) {
		part->kind = h->is_default_message ? MIME_MESSAGE : MIME_LEAF;
		part->is_text = !h->is_default_message;
		return 0;
	}
	h->has_type = 1;
	h->is_digest = is_word(type, "multipart") && is_word(sub, "digest");
	part->is_text = is_word(type, "text");
	part->kind = (uint8_t)kind_of(type, sub);
	return params_read(m, l, &w);
}

/* What cannot be opened is shown as plain text. */
static void make_opaque(struct mime *m, uint32_t part)
{
	m->part[part].kind = MIME_LEAF;
	m->part[part].is_text = 1;
	m->state->head[part].has_type = 0;
	m->state->head[part].is_default_message = 0;
}

int mime_type_read(struct mime *m, struct mime_level *l)
{
	struct mime_state *s = m->state;
	struct mime_part *part = &m->part[l->part];
	int full = s->depth > MIME_DEPTH || m->n == MIME_PARTS;

	if (find_fields(m, l->part) == -1 || type_read(m, l) == -1)
		return -1;
	part->encoding = encoding_read(m, l->part);
	if (part->kind != MIME_LEAF &&
	    (full || (part->kind == MIME_MULTIPART && l->boundary_len == 0))) {
		s->open -= l->boundary_len > 0;
		l->boundary_len = 0;
		s->bounds.len = l->boundary;
		make_opaque(m, l->part);
	}
	return 0;
}
