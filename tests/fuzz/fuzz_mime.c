/* parse and section: any bytes are a message. Every figure is counted anew, slowly. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/mime_param.h"
#include "mime/parse.h"
#include "mime/section.h"
#include "sbuf.h"

static void require(int truth)
{
	if (!truth)
		abort();
}

struct count {
	uint64_t wire, lines;
};

static struct count count(const char *p, uint64_t from, uint64_t to)
{
	struct count c = {to - from, 0};

	for (uint64_t i = from; i < to; i++) {
		c.lines += p[i] == '\n';
		c.wire += p[i] == '\n' && (i == 0 || p[i - 1] != '\r');
	}
	return c;
}

static void check_part(const struct mime *m, size_t i, const char *p)
{
	const struct mime_part *part = &m->part[i], *parent = &m->part[part->parent];
	struct count body = count(p, part->body, part->end);

	require(part->header <= part->body && part->body <= part->end);
	require(part->end <= m->size && part->charset < m->text.len);
	require(part->header_wire == count(p, part->header, part->body).wire);
	require(part->body_wire == body.wire && part->lines == body.lines);
	require(i == 0 ? part->parent == 0 : part->parent < i);
	require(i == 0 || (part->header >= parent->body && part->end <= parent->end));
	require(part->kind != MIME_LEAF || part->child == 0);
	require(part->kind != MIME_MESSAGE || part->child == i + 1);
	require(part->child == 0 || m->part[part->child].parent == i);
	require(part->next == 0 || (part->next > i && part->next < m->n &&
				    m->part[part->next].parent == part->parent &&
				    m->part[part->next].header >= part->end));
}

static void check(const struct mime *m, const char *p, size_t n)
{
	struct count all = count(p, 0, n);

	require(m->n > 0 && m->n <= MIME_PARTS && m->size == n && m->wire == all.wire);
	require(m->bare == all.wire - n && m->has_nul == (memchr(p, '\0', n) != NULL));
	require(m->part[0].header == 0 && m->part[0].end == n);
	require(m->header.len == m->part[0].body);
	require(memcmp(m->header.p != NULL ? m->header.p : "", p, m->header.len) == 0);
	for (size_t i = 0; i < m->n; i++)
		check_part(m, i, p);
}

static void parse_in_pieces(struct mime *m, const char *p, size_t n, uint32_t seed)
{
	require(mime_begin(m) == 0);
	while (n > 0) {
		size_t piece;

		seed = seed * 1664525 + 1013904223;
		piece = 1 + (seed >> 24) % (seed & 0x800 ? 5 : 90);
		if (piece > n)
			piece = n;
		require(mime_feed(m, p, piece) == 0);
		p += piece;
		n -= piece;
	}
	require(mime_end(m) == 0);
}

static void check_sections(const struct mime *m, const char *p)
{
	struct section s = {.levels = 0};
	struct section_range r;

	for (uint32_t i = 0; i < 3 * 3 * 3 * 3 * 4; i++) {
		uint32_t path = i / 4;

		s.kind = (enum section_kind)(i % 4);
		for (s.levels = 0; path > 0; path /= 3)
			s.path[s.levels++] = path % 3;
		if (!section_find(m->part, m->n, &s, &r))
			continue;
		require(r.start <= r.end && r.end <= m->size);
		require(r.wire == count(p, r.start, r.end).wire);
	}
}

static void check_fields(const struct mime *m, const char *p)
{
	static const char *const names[] = {"Content-Type", "to", "a"};
	uint64_t end = m->part[0].body;
	struct sbuf is = SBUF_INIT(SIZE_MAX / 2), not = SBUF_INIT(SIZE_MAX / 2);
	struct count head;

	require(section_fields(&is, p, end, names, 3, 0) == 0);
	require(section_fields(&not, p, end, names, 3, 1) == 0);
	/* Both end with an empty line; the header's own is one of them. */
	head = count(p, 0, end);
	require(is.len + not .len >= head.wire && is.len + not .len <= head.wire + 6);
	sbuf_free(&is);
	sbuf_free(&not );
}

/* As a field's body, with nothing behind it: in a header something always is. */
static void check_words(const char *p, size_t n)
{
	struct sbuf value = SBUF_INIT(SIZE_MAX / 2);
	struct mime_span type, sub;
	struct mime_words w, list;
	struct mime_param v;

	mime_words_init(&w, p, n);
	(void)mime_words_type(&w, &type, &sub);
	list = w;
	while (mime_words_param(&w, &v, &value) == 1)
		require(v.name.p >= p && v.name.n > 0 && w.at <= n && value.len <= n);
	while (mime_words_list(&list, &sub))
		require(list.at <= n && sub.p + sub.n <= p + n);
	sbuf_free(&value);
}

static void check_wire(const char *p, size_t n, uint64_t wire)
{
	char *out = malloc(2 * n + 1), *naive = malloc(2 * n + 1);
	size_t len = 0, at = 0, k = 0;
	int in_cr = 0;

	require(out != NULL && naive != NULL);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' && (i == 0 || p[i - 1] != '\r'))
			naive[k++] = '\r';
		naive[k++] = p[i];
	}
	for (size_t piece; at < n; at += piece) {
		char *exact, *room;
		size_t made;

		piece = n - at < 37 ? n - at : 37;
		exact = malloc(piece);
		room = malloc(2 * piece);
		require(exact != NULL && room != NULL);
		memcpy(exact, p + at, piece);
		made = wire_crlf(room, exact, piece, &in_cr);
		memcpy(out + len, room, made);
		len += made;
		free(exact);
		free(room);
	}
	require(len == wire && len == k && memcmp(out, naive, len) == 0);
	free(out);
	free(naive);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mime once, pieces;
	const char *p = size > 0 ? (const char *)data : "";

	if (once.state == NULL) {
		mime_init(&once);
		mime_init(&pieces);
	}
	require(mime_begin(&once) == 0 && mime_feed(&once, p, size) == 0 &&
		mime_end(&once) == 0);
	check(&once, p, size);
	parse_in_pieces(&pieces, p, size, (uint32_t)size);
	require(once.n == pieces.n && once.text.len == pieces.text.len);
	require(memcmp(once.part, pieces.part, once.n * sizeof *once.part) == 0);
	check(&pieces, p, size);
	check_sections(&once, p);
	check_fields(&once, p);
	check_words(p, size);
	check_wire(p, size, once.wire);
	return 0;
}
