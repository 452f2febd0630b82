#include "mime/digest.h"

#include <string.h>

#include "mime/date5322.h"
#include "mime/digest_int.h"
#include "mime/parse_int.h"

/* The head, in the machine's order, as the cache is the machine's; the bytes of each field follow in
 * the order of enum digest_what. */
enum { VERSION = 0x51440001, FIELDS = DIGEST_PARTS + 1 };

struct head {
	uint32_t version;
	uint32_t len[FIELDS];
};

static int numbers(struct sbuf *out, const struct mime *m)
{
	struct digest_numbers n = {.sent = INT64_MIN,
				   .size = m->size,
				   .wire = m->wire,
				   .bare = m->bare,
				   .parts = m->n <= DIGEST_PARTS_MAX ? (uint32_t)m->n : 0,
				   .has_nul = (uint32_t)m->has_nul};
	const struct mime_found *f = mime_found(m, 0, NAME_DATE);
	int zone;

	if (f != NULL &&
	    date5322_read(m->header.p + f->at, f->end - f->at, &n.sent, &zone) == -1)
		n.sent = INT64_MIN;
	return sbuf_cat(out, &n, sizeof n);
}

static int parts(struct sbuf *out, const struct mime *m)
{
	size_t n = m->n <= DIGEST_PARTS_MAX ? m->n : 0;
	char *p;

	if (sbuf_reserve(out, n * sizeof *m->part) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct mime_part part = m->part[i];

		part.charset = 0;
		p = out->p + out->len;
		memcpy(p, &part, sizeof part);
		out->len += sizeof part;
	}
	return 0;
}

static const enum mime_name keys[FIELDS] = {
    [DIGEST_SUBJECT] = NAME_SUBJECT,
    [DIGEST_FROM] = NAME_FROM,
    [DIGEST_TO] = NAME_TO,
    [DIGEST_CC] = NAME_CC,
    [DIGEST_BCC] = NAME_BCC,
    [DIGEST_MESSAGEID] = NAME_MESSAGEID,
    [DIGEST_INREPLYTO] = NAME_INREPLYTO,
    [DIGEST_REFERENCES] = NAME_REFERENCES,
};

/* A field's body, or those of all fields of the name. */
static int key(struct sbuf *out, const struct mime *m, enum mime_name name)
{
	const struct mime_head *h = &m->state->head[0];
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++) {
		const struct mime_found *f = &m->state->found[h->found + i];

		if (f->name != name)
			continue;
		if (n++ > 0 && sbuf_cat(out, ", ", 2) == -1)
			return -1;
		if (digest_unfold(out, m->header.p + f->at, f->end - f->at) == -1)
			return -1;
	}
	return 0;
}

static int add(struct sbuf *out, const struct mime *m, enum digest_what what)
{
	const struct sbuf *brief = &m->state->text[0];

	switch (what) {
	case DIGEST_ENVELOPE:
		return digest_envelope(out, m, 0);
	case DIGEST_BODYSTRUCTURE:
		return digest_structure(out, &m->state->text[0], m);
	case DIGEST_BODY:
		return sbuf_cat(out, brief->p, brief->len);
	case DIGEST_NUMBERS:
		return numbers(out, m);
	case DIGEST_PARTS:
		return parts(out, m);
	default:
		return key(out, m, keys[what]);
	}
}

int digest_make(struct sbuf *out, const struct mime *m)
{
	size_t start = out->len;
	struct head h = {.version = VERSION};

	sbuf_clear(&m->state->text[0]);
	if (sbuf_cat(out, &h, sizeof h) == -1)
		return -1;
	for (unsigned what = 0; what < FIELDS; what++) {
		size_t at = out->len;

		if (add(out, m, (enum digest_what)what) == -1)
			goto fail;
		h.len[what] = (uint32_t)(out->len - at);
	}
	memcpy(out->p + start, &h, sizeof h);
	return 0;
fail:
	out->len = start;
	return -1;
}

int digest_get(const char *p, size_t n, enum digest_what what, const char **q,
	       size_t *len)
{
	struct head h;
	size_t at = sizeof h;

	if (n < sizeof h)
		return 0;
	memcpy(&h, p, sizeof h);
	if (h.version != VERSION)
		return 0;
	for (unsigned i = 0; i < (unsigned)what; i++)
		at += h.len[i];
	if (at > n || h.len[what] > n - at)
		return 0;
	*q = p + at;
	*len = h.len[what];
	return 1;
}

int digest_numbers(const char *p, size_t n, struct digest_numbers *out)
{
	const char *q;
	size_t len;

	if (!digest_get(p, n, DIGEST_NUMBERS, &q, &len) || len != sizeof *out)
		return 0;
	memcpy(out, q, len);
	return 1;
}

/* Damaged links must not lead out of the array, nor round in it. */
static int is_sound(const struct mime_part *part, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (part[i].kind > MIME_MESSAGE ||
		    (part[i].child != 0 && part[i].child != i + 1) ||
		    part[i].child >= n || part[i].next >= n ||
		    (part[i].next != 0 && part[i].next <= i) || part[i].parent > i ||
		    (part[i].kind == MIME_MESSAGE && part[i].child == 0))
			return 0;
	return 1;
}

size_t digest_parts(const char *p, size_t n, struct mime_part out[DIGEST_PARTS_MAX])
{
	const char *q;
	size_t len;

	if (!digest_get(p, n, DIGEST_PARTS, &q, &len) || len % sizeof *out != 0 ||
	    len > DIGEST_PARTS_MAX * sizeof *out)
		return 0;
	memcpy(out, q, len);
	return is_sound(out, len / sizeof *out) ? len / sizeof *out : 0;
}
