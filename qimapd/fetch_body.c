#include <string.h>

#include "fetch.h"
#include "io.h"
#include "out.h"
#include "sbuf.h"
#include "wire.h"

/* Of HEADER.FIELDS: a header that does not lie in the source's window, and what is answered. */
static struct sbuf header = SBUF_INIT(MIME_HEADER);
static struct sbuf fields = SBUF_INIT(2 * MIME_HEADER + 2);

static _Noreturn void unreadable(void)
{
	io_lost("a message cannot be read");
}

/* Of the whole message no parts are needed: its header ends at the first empty line. */
static void range_of_message(struct fetch *f, enum section_kind kind,
			     struct section_range *r)
{
	uint64_t body = 0;

	if (kind != SECTION_ALL && source_header(&f->source, &body) == -1)
		unreadable();
	*r =
	    (struct section_range){.start = kind == SECTION_TEXT ? body : 0,
				   .end = kind == SECTION_HEADER ? body : f->source.size};
}

int fetch_range(struct fetch *f, const struct section *s, struct section_range *r)
{
	if (s->levels > 0)
		return section_find(f->part, f->nparts, s, r);
	range_of_message(f, s->kind, r);
	return 1;
}

/* A message without a body may have no empty line; then a part of its header has none
 * (RFC 9051 6.4.5.1). */
static int has_empty_line(const char *p, size_t n)
{
	if (n == 0 || p[n - 1] != '\n')
		return 0;
	if (n > 1 && p[n - 2] == '\r')
		n--;
	return n == 1 || p[n - 2] == '\n';
}

static void put_fields(struct fetch *f, const struct fetch_item *it,
		       const struct section_range *r)
{
	const char *p = NULL;
	size_t n =
	    r->end - r->start < MIME_HEADER ? (size_t)(r->end - r->start) : MIME_HEADER;

	sbuf_clear(&fields);
	if (source_piece(&f->source, r->start, n, &header, &p) == -1 ||
	    section_fields(&fields, p, n, it->names, it->nnames, it->not ) == -1)
		unreadable();
	if (!has_empty_line(p, n))
		fields.len -= 2;
	n = it->from < fields.len ? fields.len - (size_t)it->from : 0;
	if (n > it->count)
		n = (size_t)it->count;
	out_literal_head(n, 0);
	wire_put(fields.p + (n > 0 ? it->from : 0), n);
}

/* All of a range that lies in the source's window. 0: that is not what is asked. */
static int put_whole(struct fetch *f, const struct fetch_item *it,
		     const struct section_range *r)
{
	const char *p = NULL;
	ssize_t n;

	if (!it->whole || r->end <= r->start || r->end - r->start > WIRE_LITERAL)
		return 0;
	n = source_at(&f->source, r->start, &p);
	if (n <= 0 || (uint64_t)n < r->end - r->start)
		return 0;
	wire_literal(p, (size_t)(r->end - r->start));
	return 1;
}

void put_body(struct fetch *f, const struct fetch_item *it)
{
	struct section_range r;
	struct wire w;

	io_put(it->label, it->nlabel);
	if (!fetch_range(f, it->part, &r)) {
		out_literal_head(0, 0);
	} else if (it->nnames > 0) {
		put_fields(f, it, &r);
	} else if (!put_whole(f, it, &r)) {
		if (wire_find(&w, &f->source, r.start, r.end, it->from, it->count) == -1)
			unreadable();
		out_literal_head(w.length, 0);
		wire_send(&w, &f->source);
	}
}

void fetch_bodies_done(void)
{
	sbuf_free(&header);
	sbuf_free(&fields);
}
