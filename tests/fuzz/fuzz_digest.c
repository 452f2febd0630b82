/* digest: of any message, IMAP's texts are well formed and all of it can be got again; and any
 * bytes may be taken for a digest. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "imap_text.h"
#include "mime/digest.h"
#include "mime/section.h"
#include "sbuf.h"

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check_text(const char *p, size_t n, enum digest_what what)
{
	size_t items = imap_list(p, n);

	require(what == DIGEST_ENVELOPE ? items == 10 : items >= 2);
}

static void check_key(const char *p, size_t n)
{
	require(memchr(p, '\n', n) == NULL && memchr(p, '\0', n) == NULL);
}

static void round_trip(const struct mime *m, const char *p, size_t n)
{
	struct mime_part part[DIGEST_PARTS_MAX];
	struct digest_numbers numbers;
	size_t kept = digest_parts(p, n, part);

	require(digest_numbers(p, n, &numbers) && numbers.size == m->size);
	require(numbers.wire == m->wire && numbers.bare == m->bare);
	require(numbers.parts == kept && kept == (m->n <= DIGEST_PARTS_MAX ? m->n : 0));
	for (size_t i = 0; i < kept; i++) {
		part[i].charset = m->part[i].charset;
		require(memcmp(&part[i], &m->part[i], sizeof *part) == 0);
	}
	for (int what = DIGEST_ENVELOPE; what <= DIGEST_REFERENCES; what++) {
		const char *q;
		size_t len;

		require(digest_get(p, n, (enum digest_what)what, &q, &len));
		if (what <= DIGEST_BODY)
			check_text(q, len, (enum digest_what)what);
		else
			check_key(q, len);
	}
}

static void take_for_digest(const char *p, size_t n)
{
	struct mime_part part[DIGEST_PARTS_MAX];
	struct digest_numbers numbers;
	struct section s = {.levels = 2, .path = {2, 1}};
	struct section_range r;
	size_t kept = digest_parts(p, n, part);

	require(kept <= DIGEST_PARTS_MAX);
	for (size_t i = 0; i < kept; i++)
		require(part[i].parent < kept && part[i].child < kept &&
			part[i].next < kept);
	(void)digest_numbers(p, n, &numbers);
	for (int kind = SECTION_ALL; kind <= SECTION_MIME; kind++) {
		s.kind = (enum section_kind)kind;
		(void)section_find(part, kept, &s, &r);
	}
	for (int what = DIGEST_ENVELOPE; what <= DIGEST_PARTS; what++) {
		const char *q;
		size_t len;

		if (digest_get(p, n, (enum digest_what)what, &q, &len))
			require(q >= p && len <= n && (size_t)(q - p) <= n - len);
	}
}

/* A digest as a damaged cache has it: one that was made, with parts that nobody has parsed, about as
 * many as there may be. Each is in the one before it, but for what the input says. */
static void take_forged(const struct sbuf *made, const uint8_t *data, size_t size)
{
	struct mime_part part[DIGEST_PARTS_MAX + 4];
	struct sbuf out = SBUF_INIT(SIZE_MAX / 2);
	size_t n = size % 2 == 0 ? size / 2 % 8 : DIGEST_PARTS_MAX - 4 + size / 2 % 8;
	uint32_t len = (uint32_t)(n * sizeof *part);
	const char *q;
	size_t before;

	memset(part, 0, sizeof part);
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = i < size ? data[i] : 0;

		part[i].kind = byte % 3;
		part[i].parent = (uint32_t)(i > 0 ? i - 1 : 0);
		part[i].child = byte & 4 ? 0 : (uint32_t)i + 1;
		part[i].next = byte & 8 ? (byte >> 4) + (uint32_t)i : 0;
	}
	require(digest_get(made->p, made->len, DIGEST_PARTS, &q, &before));
	require(sbuf_cat(&out, made->p, made->len - before) == 0 &&
		sbuf_cat(&out, part, len) == 0);
	/* the version, then the lengths of all */
	memcpy(out.p + 4 + 4 * (size_t)DIGEST_PARTS, &len, sizeof len);
	take_for_digest(out.p, out.len);
	sbuf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mime m;
	const char *p = size > 0 ? (const char *)data : "";
	struct sbuf out = SBUF_INIT(SIZE_MAX / 2);

	if (m.state == NULL)
		mime_init(&m);
	require(mime_begin(&m) == 0 && mime_feed(&m, p, size) == 0 && mime_end(&m) == 0);
	require(digest_make(&out, &m) == 0);
	round_trip(&m, out.p, out.len);
	take_for_digest(p, size);
	take_forged(&out, data, size);
	if (size > 0) { /* damaged: bytes of the input in the middle of a digest */
		size_t at = data[0] % 60;

		for (size_t i = 0; i < size && i < 400 && at + i < out.len; i += 9)
			out.p[at + i] ^= (char)data[i];
		take_for_digest(out.p, out.len);
	}
	sbuf_free(&out);
	return 0;
}
