/* qremote/body: LF to CRLF, dots, the checksum; over block borders too. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "../../qremote/body.h"
#include "clock.h"
#include "rbuf.h"

enum { OFFSET = 77 };

static struct body body;
static struct obuf out;
static uint8_t sum[SUM_LEN];

/* A queue file with this message, and more room if the file is longer than it. */
static int file_of(const char *msg, size_t n)
{
	int fd = memfd_create("queue file", 0);
	struct sum s;

	assert_int_not_equal(fd, -1);
	assert_int_equal(pwrite(fd, msg, n, OFFSET), n);
	sum_init(&s);
	sum_add(&s, msg, n);
	sum_end(&s, sum);
	body_init(&body, fd, OFFSET, n, sum);
	return fd;
}

/* What arrives of it. */
static char *sent(size_t *n, enum body_result *r)
{
	int to = memfd_create("wire", 0);
	char *p;

	obuf_init(&out, to);
	assert_int_equal(body_scan(&body), BODY_OK);
	*r = body_send(&body, &out, 1000, clock_mono_ms() + 60000);
	assert_int_equal(obuf_flush(&out), 0);
	*n = (size_t)lseek(to, 0, SEEK_END);
	p = malloc(*n + 1);
	assert_int_equal(pread(to, p, *n, 0), *n);
	p[*n] = '\0';
	(void)close(to);
	return p;
}

static void writes_lines(void **state)
{
	static const struct {
		const char *msg, *wire;
		int eight_bit;
	} row[] = {
	    {"", "", 0},
	    {"a\n", "a\r\n", 0},
	    {"a", "a\r\n", 0},
	    {"\n\n", "\r\n\r\n", 0},
	    {".\n", "..\r\n", 0},
	    {".", "..\r\n", 0},
	    {"..\n.x\na.\n", "...\r\n..x\r\na.\r\n", 0},
	    {"\n.\n", "\r\n..\r\n", 0},
	    {"\xe4\n", "\xe4\r\n", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		int fd = file_of(row[i].msg, strlen(row[i].msg));
		enum body_result r;
		size_t n;
		char *got = sent(&n, &r);

		assert_int_equal(r, BODY_OK);
		assert_string_equal(got, row[i].wire);
		assert_int_equal(body.eight_bit, row[i].eight_bit);
		free(got);
		(void)close(fd);
	}
}

/* A dot as the first byte of the second block: behind a line end, or in a line. */
static void minds_block_borders(void **state)
{
	static char msg[BODY_BLOCK + 2];

	(void)state;
	for (int in_line = 0; in_line < 2; in_line++) {
		enum body_result r;
		size_t n;
		char *got;
		int fd;

		memset(msg, 'x', sizeof msg);
		msg[BODY_BLOCK - 1] = in_line ? 'x' : '\n';
		msg[BODY_BLOCK] = '.';
		msg[BODY_BLOCK + 1] = '\n';
		fd = file_of(msg, sizeof msg);
		got = sent(&n, &r);
		assert_int_equal(r, BODY_OK);
		assert_string_equal(got + n - 5, in_line ? "xx.\r\n" : "\n..\r\n");
		assert_int_equal(body.wire, sizeof msg + (in_line ? 1 : 2));
		free(got);
		(void)close(fd);
	}
}

static void finds_damage(void **state)
{
	static char big[3 * BODY_BLOCK];
	enum body_result r;
	size_t n;
	int fd;

	(void)state;
	memset(big, '\n', sizeof big);
	fd = file_of(big, sizeof big);
	assert_int_equal(pwrite(fd, "x", 1, OFFSET + 2 * BODY_BLOCK + 7), 1);
	free(sent(&n, &r));
	assert_int_equal(r, BODY_CORRUPT);
	assert_int_equal(ftruncate(fd, OFFSET + 100), 0);
	assert_int_equal(body_scan(&body), BODY_CORRUPT);
	(void)close(fd);
	assert_int_equal(body_scan(&body), BODY_DISK); /* EBADF: unreadable */
	fd = file_of("a\rb\n", 4);
	assert_int_equal(body_scan(&body), BODY_OK);
	assert_true(body.bare_cr);
	(void)close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(writes_lines),
	    cmocka_unit_test(minds_block_borders),
	    cmocka_unit_test(finds_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
