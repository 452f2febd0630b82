/* Any bytes as qqueue's counts of logins: what is taken is written and taken again, and is
 * the same. The first byte chooses: raw bytes, or bytes behind the magic with the right sum,
 * so that the reader behind it is met. */
#include <stdint.h>
#include <stdlib.h>

#include "../../qqueue/counts.h"
#include "sum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WALL = 1000000, NOW = 77 };

static void check(int ok)
{
	if (!ok)
		abort();
}

static void frame(struct sbuf *b)
{
	uint8_t sum[SUM_LEN];
	struct sum s;

	sum_init(&s);
	sum_add(&s, b->p, b->len);
	sum_end(&s, sum);
	check(sbuf_cat(b, sum, sizeof sum) == 0);
}

static int take(struct sending *s, const struct sbuf *b)
{
	char *exact = malloc(b->len > 0 ? b->len : 1);
	int r;

	check(exact != NULL);
	for (size_t i = 0; i < b->len; i++)
		exact[i] = b->p[i];
	r = counts_take(s, exact, b->len, NOW, WALL);
	free(exact);
	return r;
}

static void again(struct sending *first)
{
	static struct sending second;
	struct sbuf a = SBUF_INIT(1 << 24);
	struct sbuf b = SBUF_INIT(1 << 24);

	check(counts_put(&a, first, NOW, WALL) == 0);
	check(take(&second, &a) == 0 && second.count <= first->count);
	check(counts_put(&b, &second, NOW, WALL) == 0 && b.len == a.len);
	sbuf_free(&a);
	sbuf_free(&b);
	sending_free(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sending s;
	struct sbuf b = SBUF_INIT(1 << 24);

	if (size == 0)
		return 0;
	if (data[0] & 1)
		check(sbuf_cats(&b, "quoin-c1") == 0);
	check(sbuf_cat(&b, data + 1, size - 1) == 0);
	if (data[0] & 1)
		frame(&b);
	if (take(&s, &b) == 0)
		again(&s);
	else
		check(s.count == 0);
	sending_free(&s);
	sbuf_free(&b);
	return 0;
}
