/* signing: exactly the texts of a TLS server's handshake are signed, and a request is its
 * head and such a text. */
#include <errno.h>
#include <stdio.h>

#include "exact.h"

#include "../../qtls/signing.h"

#define SPACES64 "                                                                "
#define SERVER   "TLS 1.3, server CertificateVerify"
#define HASH32   "0123456789abcdef0123456789abcdef"
#define HASH48   HASH32 "0123456789abcdef"
#define RANDOMS  HASH32 HASH32
#define P(text)  text, sizeof(text) - 1

/* A TLS 1.2 text: curve, length, the first byte of the point; the rest is filled up. */
struct ecdhe {
	const char *name;
	uint8_t type;
	uint16_t curve;
	uint8_t len;
	uint8_t first;
	int extra; /* bytes more, or fewer, than len says */
	enum sign_form want;
};

static const struct ecdhe ecdhe[] = {
    {"P-256", 3, 23, 65, 4, 0, SIGN_FORM_12},
    {"P-384", 3, 24, 97, 4, 0, SIGN_FORM_12},
    {"P-521", 3, 25, 133, 4, 0, SIGN_FORM_12},
    {"X25519", 3, 29, 32, 0, 0, SIGN_FORM_12},
    {"X25519, any byte", 3, 29, 32, 4, 0, SIGN_FORM_12},
    {"X448", 3, 30, 56, 9, 0, SIGN_FORM_12},
    {"compressed", 3, 23, 33, 2, 0, SIGN_FORM_NONE},
    {"not a point", 3, 23, 65, 2, 0, SIGN_FORM_NONE},
    {"length of another curve", 3, 23, 97, 4, 0, SIGN_FORM_NONE},
    {"unknown curve", 3, 22, 65, 4, 0, SIGN_FORM_NONE},
    {"unknown curve, high byte", 3, 256 + 23, 65, 4, 0, SIGN_FORM_NONE},
    {"explicit prime", 1, 23, 65, 4, 0, SIGN_FORM_NONE},
    {"explicit char2", 2, 23, 65, 4, 0, SIGN_FORM_NONE},
    {"a byte behind", 3, 29, 32, 0, 1, SIGN_FORM_NONE},
    {"a byte less", 3, 29, 32, 0, -1, SIGN_FORM_NONE},
    {"no point", 3, 29, 0, 0, 0, SIGN_FORM_NONE},
    {"finite field", 0, 256, 0, 0, 0, SIGN_FORM_NONE},
};

static size_t ecdhe_text(const struct ecdhe *e, char out[SIGN_TEXT])
{
	size_t n = 64;

	memset(out, 'r', SIGN_TEXT);
	out[n++] = (char)e->type;
	out[n++] = (char)(e->curve >> 8);
	out[n++] = (char)e->curve;
	out[n++] = (char)e->len;
	out[n] = (char)e->first;
	return n + e->len + (size_t)e->extra; /* -1 wraps, and is meant */
}

static void test_tls12(void **state)
{
	char text[SIGN_TEXT];

	(void)state;
	for (size_t i = 0; i < COUNT(ecdhe); i++) {
		size_t n = ecdhe_text(&ecdhe[i], text);
		char *p = exact(text, n);

		if (signing_form((uint8_t *)p, n) != ecdhe[i].want)
			fail_msg("%s", ecdhe[i].name);
		free(p);
	}
}

static void test_tls13(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		enum sign_form want;
	} row[] = {
	    {P(SPACES64 SERVER "\0" HASH32), SIGN_FORM_13},
	    {P(SPACES64 SERVER "\0" HASH48), SIGN_FORM_13},
	    {P(SPACES64 SERVER "\0" HASH32 "x"), SIGN_FORM_NONE},
	    {P(SPACES64 SERVER "\0" HASH48 "x"), SIGN_FORM_NONE},
	    {P(SPACES64 SERVER "\0" HASH32 HASH32), SIGN_FORM_NONE},
	    {P(SPACES64 SERVER "x" HASH32), SIGN_FORM_NONE},
	    {P(SPACES64 "TLS 1.3, client CertificateVerify\0" HASH32), SIGN_FORM_NONE},
	    {P(SPACES64 "TLS 1.3, server certificateVerify\0" HASH32), SIGN_FORM_NONE},
	    {P("x" SPACES64 SERVER "\0" HASH32), SIGN_FORM_NONE},
	    {P(HASH32 HASH32 SERVER "\0" HASH32), SIGN_FORM_NONE},
	    {P(SPACES64 SERVER), SIGN_FORM_NONE},
	    {P(SPACES64), SIGN_FORM_NONE},
	    {P("\0"), SIGN_FORM_NONE},
	    {P(""), SIGN_FORM_NONE},
	    {P("From: a@example.org\n\nsign this\n"), SIGN_FORM_NONE},
	    {P(RANDOMS), SIGN_FORM_NONE},
	    {P(RANDOMS "\3"), SIGN_FORM_NONE},
	    {P(RANDOMS "\3\0\x1d\x20"), SIGN_FORM_NONE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		char *p = exact(row[i].text, row[i].n);

		if (signing_form((uint8_t *)p, row[i].n) != row[i].want)
			fail_msg("row %zu", i);
		free(p);
	}
}

/* Every shorter and every changed text of 1.3 is refused, but for the hash. */
static void test_each_byte(void **state)
{
	static const char good[] = SPACES64 SERVER "\0" HASH32;
	const size_t n = sizeof good - 1;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char *p = exact(good, n);
		char *shorter = exact(good, i);

		p[i] ^= 1;
		assert_int_equal(signing_form((uint8_t *)p, n),
				 i >= 64 + sizeof SERVER ? SIGN_FORM_13 : SIGN_FORM_NONE);
		assert_int_equal(signing_form((uint8_t *)shorter, i), SIGN_FORM_NONE);
		free(p);
		free(shorter);
	}
}

static void test_frame(void **state)
{
	uint8_t frame[SIGN_REQUEST];
	struct sign_request r = {(const uint8_t *)HASH32, SIGN_ED25519,
				 (const uint8_t *)"text", 4};
	struct sign_request back;
	char *p;
	size_t n;

	(void)state;
	assert_int_equal(signing_put(frame, &n, &r), 0);
	assert_int_equal(n, SIGN_KEYID + 2 + 4);
	p = exact(frame, n);
	assert_int_equal(signing_get(&back, (uint8_t *)p, n), 0);
	assert_int_equal(back.scheme, SIGN_ED25519);
	assert_int_equal(back.len, 4);
	assert_memory_equal(back.id, HASH32, SIGN_KEYID);
	assert_memory_equal(back.text, "text", 4);
	free(p);
}

static void test_frame_lengths(void **state)
{
	uint8_t frame[SIGN_REQUEST + 1] = {0};
	struct sign_request r = {frame, 1, frame, SIGN_TEXT + 1};
	size_t n;

	(void)state;
	assert_int_equal(signing_put(frame, &n, &r), -1);
	assert_int_equal(errno, EMSGSIZE);
	for (n = 0; n <= sizeof frame; n++) {
		char *p = exact(frame, n);
		int want = n > SIGN_HEAD && n <= SIGN_REQUEST ? 0 : -1;

		errno = 0;
		assert_int_equal(signing_get(&r, (uint8_t *)p, n), want);
		assert_int_equal(errno, want == 0 ? 0 : EBADMSG);
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tls12),         cmocka_unit_test(test_tls13),
	    cmocka_unit_test(test_each_byte),     cmocka_unit_test(test_frame),
	    cmocka_unit_test(test_frame_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
