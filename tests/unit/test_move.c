/* move: the bytes of memmove(), whatever the size and however the two places overlap. */
#include <string.h>

#include "exact.h"

#include "move.h"

enum { ROOM = 2200, FAR = 40 };

static char space[ROOM], want[ROOM], before[ROOM];

static void by_bytes(size_t to, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		want[to + i] = before[from + i];
}

static void one(size_t to, size_t from, size_t n)
{
	memcpy(space, before, sizeof space);
	memcpy(want, before, sizeof want);
	by_bytes(to, from, n);
	assert_ptr_equal(move_bytes(space + to, space + from, n), space + to);
	assert_memory_equal(space, want, sizeof space);
}

static void test_overlaps(void **state)
{
	static const size_t sizes[] = {0,  1,   2,   3,   4,   5,   7,   8,
				       9,  15,  16,  17,  31,  32,  33,  47,
				       64, 100, 511, 512, 513, 520, 527, 1000};

	(void)state;
	for (size_t i = 0; i < sizeof before; i++)
		before[i] = (char)(i * 7 + i / 256);
	for (size_t k = 0; k < COUNT(sizes); k++)
		for (size_t far = 0; far <= FAR; far++) {
			one(1 + far, 1, sizes[k]);
			one(1, 1 + far, sizes[k]);
		}
}

/* Not a byte beside them is read or written. */
static void test_exact(void **state)
{
	(void)state;
	for (size_t n = 0; n < 1100; n++) {
		char *from = exact(before, n);
		char *to = exact(want, n);

		(void)move_bytes(to, from, n);
		assert_memory_equal(to, before, n);
		free(from);
		free(to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_overlaps),
	    cmocka_unit_test(test_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
