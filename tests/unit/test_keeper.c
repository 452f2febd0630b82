#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "keeper.h"
#include "sbuf.h"

#define ID "28cKYN4HbYa34kIZl"

static const struct keeper_frame frames[] = {
    {.what = 'M',
     .id = ID,
     .birth = 1795262649,
     .size = 0x7fffffff,
     .uid = 4294967295,
     .next = 1795262700,
     .attempts = 3,
     .recipients = 10000,
     .held = 1,
     .sender = ""},
    {.what = 'R', .state = 'Z', .channel = 2, .address = "a@b", .text = "later"},
    {.what = 'R', .state = 'T', .channel = 0, .address = "a@b", .text = ""},
    {.what = 'E'},
    {.what = 'S',
     .started = 1795262649,
     .messages = 1000000,
     .messages_held = 1,
     .loaded = 2,
     .bounces = 3,
     .resting = 4,
     .oldest = 1795262650,
     .overdue = 5,
     .stalled = 5,
     .deliveries = 6,
     .accepted = 7,
     .bytes = 8,
     .ended = 9,
     .notifications = 10,
     .removed = 11,
     .bad = 12,
     .ch = {{1, 2, 3, 0, 4, 5, 6}, {7, 8, 9, 1, 10, 11, 12}}},
    {.what = 'A', .text = "KWNHZ"},
    {.what = 'K', .count = 12},
    {.what = 'Z', .text = "permission denied"},
};

static char *exact(const char *p, size_t n)
{
	char *b = malloc(n > 0 ? n : 1);

	assert_non_null(b);
	memcpy(b, p, n);
	return b;
}

/* Written and read again it is the same; one byte less or more is refused. */
static void answers_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
		struct sbuf b = SBUF_INIT(LIMIT_FRAME);
		struct sbuf again = SBUF_INIT(LIMIT_FRAME);
		struct keeper_frame f;

		assert_int_equal(keeper_put(&b, &frames[i]), 0);
		assert_int_equal(keeper_get(&f, b.p, b.len), 0);
		assert_int_equal(keeper_put(&again, &f), 0);
		assert_int_equal(again.len, b.len);
		assert_memory_equal(again.p, b.p, b.len);
		for (size_t n = 0; n < b.len; n++) {
			char *p = exact(b.p, n);

			assert_int_equal(keeper_get(&f, p, n), -1);
			free(p);
		}
		assert_int_equal(sbuf_catc(&b, 'x'), 0);
		assert_int_equal(keeper_get(&f, b.p, b.len), -1);
		sbuf_free(&b);
		sbuf_free(&again);
	}
}

static const struct {
	const char *name;
	const char *bytes;
	size_t n;
	char ask; /* 0: refused */
} requests[] = {
    {"list", "l", 1, 'l'},
    {"stat", "s", 1, 's'},
    {"retry all", "r", 1, 'r'},
    {"retry one", "r" ID "\0", 19, 'r'},
    {"hold two", "h" ID "\0" ID "\0", 37, 'h'},
    {"release", "u" ID "\0", 19, 'u'},
    {"delete", "d" ID "\0", 19, 'd'},
    {"move", "m" ID "\0", 19, 'm'},
    {"take", "t" ID "\0", 19, 't'},
    {"pause", "p\0", 2, 'p'},
    {"continue", "c\1", 2, 'c'},
    {"empty", "", 0, 0},
    {"NUL", "\0", 1, 0},
    {"unknown", "x", 1, 0},
    {"list and more", "lx", 2, 0},
    {"delete what", "d", 1, 0},
    {"hold what", "h", 1, 0},
    {"the second is short", "d" ID "\0" ID, 36, 0},
    {"no NUL between", "d" ID "x" ID "\0", 37, 0},
    {"a NUL within", "d28cKYN4HbYa34kIZ\0\0", 19, 0},
    {"retry no NUL", "r" ID, 18, 0},
    {"retry a path", "r../../../etc/passwd\0", 22, 0},
    {"retry a short id", "r123\0", 5, 0},
    {"no channel", "p", 1, 0},
    {"channel 2", "p\2", 2, 0},
    {"two channels", "p\0\0", 3, 0},
};

static void requests_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		char *p = exact(requests[i].bytes, requests[i].n);
		struct keeper_request r;
		int got = keeper_get_request(&r, p, requests[i].n);

		if (got != (requests[i].ask ? 0 : -1) ||
		    (got == 0 && r.ask != requests[i].ask))
			fail_msg("%s", requests[i].name);
		if (got == 0) {
			struct sbuf b = SBUF_INIT(64);

			assert_int_equal(keeper_put_request(&b, &r), 0);
			assert_int_equal(b.len, requests[i].n);
			assert_memory_equal(b.p, p, b.len);
			sbuf_free(&b);
		}
		free(p);
	}
}

static void many_ids(void **state)
{
	static char p[KEEPER_REQUEST + QID_LEN + 1];
	struct keeper_request r;

	(void)state;
	p[0] = 'd';
	for (size_t i = 0; i <= KEEPER_IDS; i++)
		memcpy(p + 1 + i * (QID_LEN + 1), ID, QID_LEN + 1);
	assert_int_equal(keeper_get_request(&r, p, KEEPER_REQUEST), 0);
	assert_int_equal(r.n, KEEPER_IDS);
	assert_string_equal(keeper_id(&r, KEEPER_IDS - 1), ID);
	assert_int_equal(keeper_get_request(&r, p, sizeof p), -1);
}

static void other_letters_are_refused(void **state)
{
	struct keeper_frame f;

	(void)state;
	assert_int_equal(keeper_get(&f, "AKX\0", 4), -1);
	assert_int_equal(keeper_get(&f, "AK", 2), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_come_back),
	    cmocka_unit_test(requests_are_read),
	    cmocka_unit_test(many_ids),
	    cmocka_unit_test(other_letters_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
