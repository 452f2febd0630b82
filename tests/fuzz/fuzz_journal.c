/* Any bytes as a journal: what is read as whole stays so when it stands alone, and
 * records written again are the same bytes. The first byte chooses: raw bytes, or bytes
 * that are made to records, so that the readers behind the checksum are met. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "journal.h"
#include "sum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { VERSION = 8 }; /* the first bytes of either version */

static const char id[] = "28cKYN4HbYa34kIZl";

static void check(int ok)
{
	if (!ok)
		abort();
}

static void again(void *arg, const struct journal_record *r)
{
	struct sbuf *b = arg;

	check(strchr("KSRXDZAWH", r->what) != NULL && r->text != NULL);
	check(journal_put(b, id, 0, r) == 0);
}

static void parse(const char *p, size_t n)
{
	struct sbuf b = SBUF_INIT(JOURNAL_BYTES);
	size_t len = journal_parse(p, n, id, again, &b);

	check(len <= n);
	check(b.len == (b.len > 0 ? len : 0));
	check(b.len == 0 || memcmp(b.p + VERSION, p + VERSION, len - VERSION) == 0);
	sbuf_free(&b);
}

/* Bodies, each behind a byte of length, with right lengths and sums around them. */
static void frame(struct sbuf *b, const char *version, const uint8_t *p, size_t n)
{
	check(sbuf_cats(b, version) == 0);
	while (n > 0) {
		size_t len = p[0] < n - 1 ? p[0] : n - 1;
		uint8_t head[2] = {0, (uint8_t)len};
		uint8_t at[8];
		uint8_t sum[SUM_LEN];
		struct sum s;

		for (int i = 0; i < 8; i++)
			at[i] = (uint8_t)((uint64_t)b->len >> 8 * (7 - i));
		sum_init(&s);
		sum_add(&s, id, sizeof id - 1);
		sum_add(&s, at, sizeof at);
		sum_add(&s, head, 2);
		sum_add(&s, p + 1, len);
		sum_end(&s, sum);
		check(sbuf_cat(b, head, 2) == 0 && sbuf_cat(b, p + 1, len) == 0 &&
		      sbuf_cat(b, sum, SUM_LEN) == 0);
		p += 1 + len;
		n -= 1 + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbuf b = SBUF_INIT(1 << 24);
	char *exact;

	if (size == 0)
		return 0;
	if (data[0] & 1)
		frame(&b, data[0] & 2 ? "quoin-s2" : "quoin-s1", data + 1, size - 1);
	else
		check(sbuf_cat(&b, data + 1, size - 1) == 0);
	exact = malloc(b.len > 0 ? b.len : 1);
	check(exact != NULL);
	if (b.len > 0)
		memcpy(exact, b.p, b.len);
	parse(exact, b.len);
	free(exact);
	sbuf_free(&b);
	return 0;
}
