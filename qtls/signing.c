#include "signing.h"

#include <errno.h>
#include <string.h>

enum {
	SPACES = 64,
	HASH_SHORT = 32,
	HASH_LONG = 48,
	RANDOMS = 64, /* the client's and the server's */
	NAMED_CURVE = 3,
	UNCOMPRESSED = 4
};

static const char context[] = "TLS 1.3, server CertificateVerify"; /* with its NUL */

/* RFC 8446 4.4.3. The client's form has another context: it is refused. */
static int is_tls13(const uint8_t *t, size_t n)
{
	if (n != SPACES + sizeof context + HASH_SHORT &&
	    n != SPACES + sizeof context + HASH_LONG)
		return 0;
	for (size_t i = 0; i < SPACES; i++)
		if (t[i] != ' ')
			return 0;
	return memcmp(t + SPACES, context, sizeof context) == 0;
}

static const struct {
	uint16_t curve;
	uint8_t len;
	int has_form; /* a point of a Weierstrass curve, as SEC 1 writes it */
} curves[] = {
    {23, 65, 1},  /* secp256r1 */
    {24, 97, 1},  /* secp384r1 */
    {25, 133, 1}, /* secp521r1 */
    {29, 32, 0},  /* x25519 */
    {30, 56, 0},  /* x448 */
};

/* RFC 8422 5.4: curve type, curve, length and point, behind both randoms. */
static int is_tls12(const uint8_t *t, size_t n)
{
	const uint8_t *p = t + RANDOMS;

	if (n < RANDOMS + 5 || p[0] != NAMED_CURVE || n - RANDOMS - 4 != p[3])
		return 0;
	for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
		if (p[1] == curves[i].curve >> 8 && p[2] == (curves[i].curve & 0xff))
			return p[3] == curves[i].len &&
			       (!curves[i].has_form || p[4] == UNCOMPRESSED);
	return 0;
}

enum sign_form signing_form(const uint8_t *text, size_t n)
{
	if (is_tls13(text, n))
		return SIGN_FORM_13;
	return is_tls12(text, n) ? SIGN_FORM_12 : SIGN_FORM_NONE;
}

int signing_put(uint8_t frame[SIGN_REQUEST], size_t *n, const struct sign_request *r)
{
	if (r->len > SIGN_TEXT) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(frame, r->id, SIGN_KEYID);
	frame[SIGN_KEYID] = (uint8_t)(r->scheme >> 8);
	frame[SIGN_KEYID + 1] = (uint8_t)r->scheme;
	memcpy(frame + SIGN_HEAD, r->text, r->len);
	*n = SIGN_HEAD + r->len;
	return 0;
}

int signing_get(struct sign_request *r, const uint8_t *frame, size_t n)
{
	if (n <= SIGN_HEAD || n > SIGN_REQUEST) {
		errno = EBADMSG;
		return -1;
	}
	r->id = frame;
	r->scheme = (uint16_t)(frame[SIGN_KEYID] << 8 | frame[SIGN_KEYID + 1]);
	r->text = frame + SIGN_HEAD;
	r->len = n - SIGN_HEAD;
	return 0;
}
