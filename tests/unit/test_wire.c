/* What of a file goes to the client, as CRLF, whatever becomes of the file: a literal never has other
 * bytes than were promised. The source and io.h are played here. */
#include "exact.h"

#include <errno.h>
#include <stdio.h>

#include "../../qimapd/io.h"
#include "../../qimapd/out.h"
#include "../../qimapd/source.h"
#include "../../qimapd/wire.h"
#include "sbuf.h"

enum { MOST = 4096, LOOKS = 100000 };

static char file[MOST];
static size_t size;   /* the file's */
static size_t window; /* bytes that source_at() gives at most */
static size_t looks;
static jmp_buf lost;
static struct sbuf sent = SBUF_INIT(1 << 20);

ssize_t source_at(struct source *s, uint64_t offset, const char **p)
{
	size_t n;

	assert_true(looks++ < LOOKS);
	if (offset >= s->size || offset >= size)
		return 0;
	n = size - (size_t)offset;
	*p = file + offset;
	return (ssize_t)(n < window ? n : window);
}

int source_identity(struct source *s, struct source_id *id)
{
	*id = s->id;
	return 0;
}

int source_same(const struct source_id *a, const struct source_id *b)
{
	return a->ino == b->ino;
}

char *io_room(size_t n)
{
	assert_int_equal(sbuf_reserve(&sent, n), 0);
	return sent.p + sent.len;
}

void io_wrote(size_t n)
{
	sent.len += n;
}

_Noreturn void io_lost(const char *why)
{
	(void)why;
	longjmp(lost, 1);
}

size_t out_u32(char *p, uint32_t n)
{
	char digits[12];
	int len = snprintf(digits, sizeof digits, "%u", (unsigned)n);

	memcpy(p, digits, (size_t)len);
	return (size_t)len;
}

/* The same numbers each time. */
static size_t below(size_t n)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (state >> 8) % n;
}

static struct source source_new(void)
{
	static ino_t ino;
	struct source s = SOURCE_NONE;

	s.size = size;
	s.id.ino = ++ino;
	looks = 0;
	sbuf_clear(&sent);
	return s;
}

static void fill(const char *bytes)
{
	size_t n = strlen(bytes);

	for (size_t i = 0; i < size; i++)
		file[i] = bytes[below(n)];
}

/* ---- the same, slowly ---- */

static char plain[2 * MOST];

static size_t model(size_t start, size_t end)
{
	size_t n = 0;

	for (size_t i = start; i < end; i++) {
		if (file[i] == '\n' && (i == start || file[i - 1] != '\r'))
			plain[n++] = '\r';
		plain[n++] = file[i];
		if (file[i] == '\0')
			plain[n - 1] = (char)0x80;
	}
	return n;
}

static void check(struct source *s, size_t start, size_t end, size_t from, size_t count)
{
	size_t n = model(start, end);
	size_t some = from < n ? n - from : 0;
	struct wire w;

	if (some > count)
		some = count;
	sbuf_clear(&sent);
	assert_int_equal(wire_find(&w, s, start, end, from, count), 0);
	assert_int_equal(w.length, some);
	wire_send(&w, s);
	assert_int_equal(sent.len, some);
	if (some > 0)
		assert_memory_equal(sent.p, plain + from, some);
}

static void test_pieces(void **state)
{
	static const char *const texts[] = {
	    "\n", "\r\n", "\r\n\n\nab", "ab\ncdefghijklm", "abc", "\rab", "\n\n\r"};

	(void)state;
	if (setjmp(lost) != 0)
		fail_msg("lost");
	for (size_t turn = 0; turn < 3000; turn++) {
		struct source s;
		size_t start, end;

		size = below(turn % 2 == 0 ? 40 : 700);
		window = 1 + below(200);
		fill(texts[below(COUNT(texts))]);
		if (size > 0)
			file[below(size)] = '\0';
		s = source_new();
		start = below(size + 1);
		end = start + below(size - start + 1);
		for (size_t from = 0, n; from < 2 * size + 2; from += n) {
			n = 1 + below(50);
			check(&s, start, end, from, n);
			looks = 0;
		}
		check(&s, start, end, below(size + 1), below(2 * size + 1) + 1);
	}
}

static void test_literals(void **state)
{
	(void)state;
	for (size = 1; size < 1200; size++) {
		char want[2 * MOST + 32];
		int head;
		size_t n;

		(void)source_new();
		fill(size % 3 == 0 ? "\n" : size % 3 == 1 ? "ab\r\n" : "abcdef\n");
		wire_literal(file, size);
		n = model(0, size);
		head = snprintf(want, sizeof want, "{%zu}\r\n", n);
		memcpy(want + head, plain, n);
		assert_int_equal(sent.len, (size_t)head + n);
		assert_memory_equal(sent.p, want, sent.len);
	}
}

/* ---- a file that changes while it is read ---- */

/* LFs were counted that are not there any more. */
static void test_changed_between(void **state)
{
	struct source s;
	struct wire w;

	(void)state;
	size = 1000;
	window = 100;
	memset(file, '\n', size);
	s = source_new();
	assert_int_equal(wire_find(&w, &s, 0, 500, 0, UINT64_MAX), 0);
	assert_int_equal(w.length, 1000);
	memset(file, 'x', size);
	if (setjmp(lost) == 0) {
		wire_send(&w, &s);
		fail_msg("has sent %zu bytes", sent.len);
	}
	assert_int_equal(sent.len, 500);
}

static void test_shorter_before_the_piece(void **state)
{
	struct source s;
	struct wire w;

	(void)state;
	size = 1000;
	window = 100;
	memset(file, 'x', size);
	s = source_new();
	size = 300;
	assert_int_equal(wire_find(&w, &s, 0, 1000, 500, 10), -1);
	assert_int_equal(errno, EIO);
	assert_int_equal(wire_find(&w, &s, 0, 1000, 0, UINT64_MAX), -1);
	assert_int_equal(errno, EIO);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_literals),
	    cmocka_unit_test(test_changed_between),
	    cmocka_unit_test(test_shorter_before_the_piece),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	sbuf_free(&sent);
	return failed;
}
