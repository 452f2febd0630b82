/* cursor: too short and too long are both wrong, and a fault stays one. num: digits only.
 */
#include <errno.h>

#include "exact.h"

#include "cursor.h"
#include "num.h"
#include "sbuf.h"

struct frame {
	uint8_t a;
	uint16_t b;
	uint32_t c;
	uint64_t d;
	const char *s;
	const char *raw;
};

static int read_frame(struct frame *f, const char *p, size_t n)
{
	struct cursor c;

	cur_init(&c, p, n);
	if (cur_u8(&c, &f->a) == -1 || cur_u16(&c, &f->b) == -1 ||
	    cur_u32(&c, &f->c) == -1 || cur_u64(&c, &f->d) == -1 ||
	    cur_str(&c, 3, &f->s) == -1 || cur_bytes(&c, 2, &f->raw) == -1)
		return -1;
	return cur_end(&c);
}

#define GOOD                                                           \
	"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f" \
	"abc\0"                                                        \
	"xy"

static void test_round(void **state)
{
	struct sbuf b = SBUF_INIT(100);
	struct frame f;

	(void)state;
	assert_int_equal(read_frame(&f, GOOD, sizeof GOOD - 1), 0);
	assert_true(f.a == 1 && f.b == 0x0203 && f.c == 0x04050607);
	assert_true(f.d == 0x08090a0b0c0d0e0f);
	assert_string_equal(f.s, "abc");
	assert_int_equal(put_u8(&b, f.a) | put_u16(&b, f.b) | put_u32(&b, f.c) |
			     put_u64(&b, f.d) | sbuf_catz(&b, f.s) | sbuf_cats(&b, "xy"),
			 0);
	assert_int_equal(b.len, sizeof GOOD - 1);
	assert_memory_equal(b.p, GOOD, b.len);
	sbuf_free(&b);
}

static void test_every_wrong_length(void **state)
{
	struct frame f;

	(void)state;
	for (size_t n = 0; n <= sizeof GOOD; n++) {
		char *p = exact(GOOD, n);

		if (n == sizeof GOOD - 1)
			assert_int_equal(read_frame(&f, p, n), 0);
		else {
			assert_int_equal(read_frame(&f, p, n), -1);
			assert_int_equal(errno, EBADMSG);
		}
		free(p);
	}
}

static void test_strings(void **state)
{
	struct cursor c;
	const char *s;
	char *p = exact("abcd\0ef", 7);

	(void)state;
	cur_init(&c, p, 7);
	assert_int_equal(cur_str(&c, 3, &s), -1);   /* longer than may be */
	assert_int_equal(cur_str(&c, 100, &s), -1); /* a fault stays */
	assert_int_equal(cur_end(&c), -1);
	cur_init(&c, p, 7);
	assert_int_equal(cur_str(&c, 4, &s), 0);
	assert_int_equal(cur_str(&c, 100, &s), -1); /* no NUL */
	free(p);
	cur_init(&c, NULL, 0);
	assert_int_equal(cur_end(&c), 0);
	assert_int_equal(cur_str(&c, 1, &s), -1);
}

static void test_num(void **state)
{
	static const struct {
		const char *in;
		uint64_t max;
		int error;
		uint64_t want;
	} row[] = {
	    {"0", 10, 0, 0},
	    {"10", 10, 0, 10},
	    {"007", 10, 0, 7},
	    {"11", 10, ERANGE, 0},
	    {"18446744073709551615", UINT64_MAX, 0, UINT64_MAX},
	    {"18446744073709551616", UINT64_MAX, ERANGE, 0},
	    {"99999999999999999999999", UINT64_MAX, ERANGE, 0},
	    {"", 10, EINVAL, 0},
	    {"-1", 10, EINVAL, 0},
	    {"+1", 10, EINVAL, 0},
	    {" 1", 10, EINVAL, 0},
	    {"1 ", 10, EINVAL, 0},
	    {"1x", 10, EINVAL, 0},
	    {"0x1", 10, EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		uint64_t v = 4711;
		size_t n = strlen(row[i].in);
		char *p = exact(row[i].in, n);
		int r = num_parse_n(p, n, row[i].max, &v);

		assert_int_equal(r, row[i].error == 0 ? 0 : -1);
		if (r == -1)
			assert_int_equal(errno, row[i].error);
		assert_true(v == (r == 0 ? row[i].want : 4711));
		assert_int_equal(num_parse(row[i].in, row[i].max, &v), r);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round),
	    cmocka_unit_test(test_every_wrong_length),
	    cmocka_unit_test(test_strings),
	    cmocka_unit_test(test_num),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
