/* transfer: base64 and quoted-printable as they come. */
#include "exact.h"

#include "mime/transfer.h"
#include "sbuf.h"

static int decode(struct sbuf *out, enum mime_encoding how, const char *p, size_t n,
		  size_t piece)
{
	struct transfer t;

	sbuf_clear(out);
	transfer_begin(&t, how);
	while (n > 0) {
		size_t k = n < piece ? n : piece;
		char *copy = exact(p, k);

		assert_int_equal(transfer_add(&t, out, copy, k), 0);
		free(copy);
		p += k;
		n -= k;
	}
	assert_int_equal(transfer_end(&t, out), 0);
	return t.bad;
}

static void test_table(void **state)
{
	static const struct {
		const char *name;
		enum mime_encoding how;
		const char *in, *want;
		int bad;
	} t[] = {
	    {"7bit", MIME_7BIT, "a=3D", "a=3D", 0},
	    {"unknown", MIME_UNKNOWN, "a=3D", "a=3D", 1},
	    {"base64", MIME_BASE64, "SGVsbG8sIHdvcmxkIQ==", "Hello, world!", 0},
	    {"base64, one pad", MIME_BASE64, "SGVsbG8=", "Hello", 0},
	    {"base64, none", MIME_BASE64, "SGVsbG8h", "Hello!", 0},
	    {"base64, lines", MIME_BASE64, "SGV\r\nsbG\n8h \t\n", "Hello!", 0},
	    {"base64, two texts", MIME_BASE64, "SGk=\nSGk=\n", "HiHi", 0},
	    {"base64, + and /", MIME_BASE64, "++//", "\xfb\xef\xff", 0},
	    {"base64, no pad", MIME_BASE64, "SGVsbG8", "Hello", 1},
	    {"base64, one digit too many", MIME_BASE64, "SGVsbG8hS", "Hello!", 1},
	    {"base64, one digit and a pad", MIME_BASE64, "S===", "", 1},
	    {"base64, other bytes", MIME_BASE64,
	     "SG-V.sb\xff"
	     "G8h",
	     "Hello!", 1},
	    {"qp", MIME_QP, "=48=65llo=2c =C3=BC", "Hello, \xc3\xbc", 0},
	    {"qp, soft break", MIME_QP, "a=\nb=\r\nc= \t\nd=  \r\ne", "abcde", 0},
	    {"qp, soft break at the end", MIME_QP, "a=", "a", 0},
	    {"qp, blanks at a line's end", MIME_QP, "a \t\nb  \r\n c d ", "a\nb\r\n c d",
	     0},
	    {"qp, encoded blank", MIME_QP, "a=20\n", "a \n", 0},
	    {"qp, CR alone", MIME_QP, "a\rb\r\r\n", "a\rb\r\n", 0},
	    {"qp, no hex", MIME_QP, "a=zz=4", "a=zz=4", 1},
	    {"qp, half", MIME_QP, "=4x", "=4x", 1},
	    {"qp, equals twice", MIME_QP, "==41", "=A", 1},
	    {"qp, equals and blanks", MIME_QP, "= x=\rx", "= x=\rx", 1},
	};
	struct sbuf out = SBUF_INIT(10000);

	(void)state;
	for (size_t i = 0; i < COUNT(t); i++)
		for (size_t piece = 1; piece < 25; piece++) {
			int bad = decode(&out, t[i].how, t[i].in, strlen(t[i].in), piece);

			if (bad != t[i].bad || strcmp(sbuf_str(&out), t[i].want) != 0)
				fail_msg("%s, pieces of %zu: %s, %d", t[i].name, piece,
					 sbuf_str(&out), bad);
		}
	sbuf_free(&out);
}

/* Blanks are kept back up to a limit only: more of them are text. */
static void test_many_blanks(void **state)
{
	enum { MANY = 100000 };
	char *p = malloc(MANY + 1);
	struct sbuf out = SBUF_INIT(2 * MANY);

	(void)state;
	memset(p, ' ', MANY);
	p[MANY] = 'x';
	assert_int_equal(decode(&out, MIME_QP, p, MANY + 1, 333), 0);
	assert_int_equal(out.len, MANY + 1);
	assert_memory_equal(out.p, p, MANY + 1);
	free(p);
	sbuf_free(&out);
}

static void test_limit(void **state)
{
	struct sbuf out = SBUF_INIT(10);
	struct transfer t;

	(void)state;
	transfer_begin(&t, MIME_QP);
	assert_int_equal(transfer_add(&t, &out, "01234567890", 11), -1);
	transfer_begin(&t, MIME_BASE64);
	assert_int_equal(transfer_add(&t, &out, "AAAAAAAAAAAAAAAAAAAA", 20), -1);
	sbuf_free(&out);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table),
	    cmocka_unit_test(test_many_blanks),
	    cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
