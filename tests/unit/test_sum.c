/* sum: our BLAKE2b gives what libsodium's gives, however the bytes are cut. */
#include <sodium.h>

#include "exact.h"

/* Ours, beside the library's, which is built with libsodium here. */
#undef HAVE_SODIUM
#define sum_init own_sum_init
#define sum_add  own_sum_add
#define sum_end  own_sum_end
#include "../../lib/sum.c"

static void same(const uint8_t *p, size_t n, size_t step)
{
	uint8_t want[SUM_LEN];
	uint8_t got[SUM_LEN];
	struct sum s;

	assert_int_equal(crypto_generichash(want, sizeof want, p, n, NULL, 0), 0);
	sum_init(&s);
	for (size_t at = 0; at < n; at += step) {
		size_t part = n - at < step ? n - at : step;
		char *piece = exact(p + at, part);

		sum_add(&s, piece, part);
		free(piece);
	}
	sum_end(&s, got);
	assert_memory_equal(got, want, SUM_LEN);
}

static void test_same(void **state)
{
	static const size_t steps[] = {1,   7,   63,  64,  127,   128,
				       129, 255, 256, 300, 100000};
	uint8_t p[1100];

	(void)state;
	for (size_t i = 0; i < sizeof p; i++)
		p[i] = (uint8_t)(i * 31 + i / 256);
	for (size_t n = 0; n <= sizeof p; n += n < 300 ? 1 : 100)
		for (size_t i = 0; i < COUNT(steps); i++)
			same(p, n, steps[i]);
}

static void test_empty_adds(void **state)
{
	uint8_t a[SUM_LEN];
	uint8_t b[SUM_LEN];
	struct sum s;

	(void)state;
	sum_init(&s);
	sum_add(&s, "", 0);
	sum_add(&s, "x", 1);
	sum_add(&s, "", 0);
	sum_end(&s, a);
	assert_int_equal(
	    crypto_generichash(b, sizeof b, (const uint8_t *)"x", 1, NULL, 0), 0);
	assert_memory_equal(a, b, SUM_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_same),
	    cmocka_unit_test(test_empty_adds),
	};

	return sodium_init() == -1 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
