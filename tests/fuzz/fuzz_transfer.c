/* transfer: any bytes, in pieces and at once, give the same; never more than came. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/transfer.h"
#include "sbuf.h"

static void require(int truth)
{
	if (!truth)
		abort();
}

static int decode(struct sbuf *out, enum mime_encoding how, const char *p, size_t n,
		  size_t piece)
{
	struct transfer t;

	transfer_begin(&t, how);
	while (n > 0) {
		size_t k = piece < n ? piece : n;
		char *exact = malloc(k);

		require(exact != NULL);
		memcpy(exact, p, k);
		require(transfer_add(&t, out, exact, k) == 0);
		free(exact);
		p += k;
		n -= k;
	}
	require(transfer_end(&t, out) == 0);
	return t.bad;
}

/* What was good can be written again, and says the same then. */
static void encode_again(const struct sbuf *text)
{
	static const char hex[] = "0123456789ABCDEF";
	struct sbuf qp = SBUF_INIT(SIZE_MAX / 2), back = SBUF_INIT(SIZE_MAX / 2);

	for (size_t i = 0; i < text->len; i++) {
		unsigned char c = (unsigned char)text->p[i];
		char code[5] = {'=', hex[c >> 4], hex[c & 15], '=', '\n'};

		require(sbuf_cat(&qp, code, i % 9 == 8 ? 5 : 3) == 0);
	}
	require(decode(&back, MIME_QP, qp.p, qp.len, 7) == 0 && back.len == text->len);
	require(text->len == 0 || memcmp(back.p, text->p, text->len) == 0);
	sbuf_free(&qp);
	sbuf_free(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;

	for (int how = MIME_7BIT; how <= MIME_UNKNOWN; how++) {
		struct sbuf a = SBUF_INIT(SIZE_MAX / 2), b = SBUF_INIT(SIZE_MAX / 2);
		int bad = decode(&a, (enum mime_encoding)how, p, size, SIZE_MAX);
		size_t piece = size > 0 ? 1 + data[0] % 11 : 1;

		require(bad == decode(&b, (enum mime_encoding)how, p, size, piece));
		require(a.len == b.len && a.len <= size);
		require(a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
		encode_again(&a);
		sbuf_free(&a);
		sbuf_free(&b);
	}
	return 0;
}
