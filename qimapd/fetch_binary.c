#include <string.h>

#include "fetch.h"
#include "io.h"
#include "mime/transfer.h"
#include "out.h"
#include "sbuf.h"
#include "wire.h"

/* Where decoded bytes go: counted, and sent if they lie in [from, to). */
struct sink {
	uint64_t from, to;
	uint64_t at;
	int is_sent;
	int has_nul;
};

enum { PIECE = IO_PIECE };

static void sink_take(struct sink *k, const char *p, size_t n)
{
	uint64_t begin = k->at < k->from ? k->from - k->at : 0;
	uint64_t end = k->to - k->at < n ? k->to - k->at : n;

	if (k->at < k->to && begin < end) {
		k->has_nul |= memchr(p + begin, '\0', (size_t)(end - begin)) != NULL;
		if (k->is_sent)
			io_put(p + begin, (size_t)(end - begin));
	}
	k->at += n;
}

/* A piece of the file, in CRLF form, decoded. */
static int decode_some(struct transfer *t, struct sbuf *out, struct sink *k,
		       const char *p, size_t n, int *cr)
{
	char *wire = io_room(2 * PIECE); /* nothing of this is sent as it is */
	size_t len = wire_crlf(wire, p, n, cr);

	sbuf_clear(out);
	if (transfer_add(t, out, wire, len) == -1)
		return -1;
	sink_take(k, out->p, out->len);
	return 0;
}

/* All of a range through t into k. 0: the encoding is broken. */
static int decode(struct fetch *f, const struct section_range *r, enum mime_encoding how,
		  struct sink *k)
{
	struct sbuf out = SBUF_INIT(16 * PIECE);
	struct transfer t;
	uint64_t at = r->start;
	int cr = 0;

	transfer_begin(&t, how);
	while (at < r->end) {
		const char *p = NULL;
		ssize_t n = source_at(&f->source, at, &p);

		if (n <= 0)
			io_lost("a message cannot be read");
		if (n > PIECE)
			n = PIECE;
		if ((uint64_t)n > r->end - at)
			n = (ssize_t)(r->end - at);
		if (decode_some(&t, &out, k, p, (size_t)n, &cr) == -1)
			io_lost("no memory");
		at += (uint64_t)n;
	}
	sbuf_clear(&out);
	if (transfer_end(&t, &out) == -1)
		io_lost("no memory");
	sink_take(k, out.p, out.len);
	sbuf_free(&out);
	return !t.bad;
}

/* A leaf is decoded; a message or a multipart, and the whole, are as they are (RFC 3516 4.2). */
static enum mime_encoding encoding(const struct section_range *r)
{
	if (r->part == NULL || r->part->kind != MIME_LEAF)
		return MIME_BINARY;
	return (enum mime_encoding)r->part->encoding;
}

/* What a section is, decoded: counted into k. 0: there is nothing, and it was answered. */
static int measure(struct fetch *f, const struct fetch_item *it, struct section_range *r,
		   struct sink *k)
{
	uint64_t room = UINT64_MAX - it->from;

	*k = (struct sink){.from = it->from,
			   .to = it->from + (it->count < room ? it->count : room)};
	io_put(it->label, it->nlabel);
	if (!fetch_range(f, it->part, r)) {
		io_puts(it->put == put_binary ? "{0}\r\n" : "0");
		return 0;
	}
	if (decode(f, r, encoding(r), k))
		return 1;
	f->unknown_cte = 1;
	io_puts(it->put == put_binary ? "NIL" : "0");
	return 0;
}

void put_binary(struct fetch *f, const struct fetch_item *it)
{
	struct section_range r;
	struct sink k;
	uint64_t end;

	if (!measure(f, it, &r, &k))
		return;
	end = k.at < k.to ? k.at : k.to;
	out_literal_head(end > k.from ? end - k.from : 0, k.has_nul);
	k.at = 0;
	k.to = end; /* though the file may have more now */
	k.is_sent = 1;
	decode(f, &r, encoding(&r), &k);
	if (k.at < end)
		io_lost("was promised more than a file has now");
}

void put_binary_size(struct fetch *f, const struct fetch_item *it)
{
	struct section_range r;
	struct sink k;

	if (measure(f, it, &r, &k))
		io_number(k.at);
}
