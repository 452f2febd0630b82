/* signing: what sessions and the starter say to the key process (qtls-key).
 *
 * The starter connects to run/tls-key/sock (SOCK_SEQPACKET, group quoint) and says
 *
 *	"L"		list: answered by "L" count:u16 count*(key id:32)
 *	"S" + fd	a session may send one request on fd, its end of a SOCK_SEQPACKET
 *			pair
 *
 * The session, on its pair, once:
 *
 *	request = key id:32 scheme:u16 text
 *	answer  = "K" signature / "-" reason:u8
 *
 * Key id: SHA-256 of the public key in DER (SubjectPublicKeyInfo). scheme: a
 * SignatureScheme of RFC 8446 4.2.3, of the list below. text: what is to be signed,
 * whole, not its hash; and the key process signs nothing but these forms:
 *
 *	TLS 1.3  64 spaces, "TLS 1.3, server CertificateVerify", NUL, a hash of 32 or 48
 *		 bytes
 *	TLS 1.2  client random, server random, 3 (named curve), curve, point (RFC 8422
 *		 5.4), of a curve and a length that is known
 *
 * Then it closes the pair: one signature a session. At most SIGN_OPEN pairs wait, each
 * for SIGN_MS; the oldest goes first. A request of any other form gets "-" and a line in
 * the log.
 */
#ifndef QTLS_SIGNING_H
#define QTLS_SIGNING_H

#include <stddef.h>
#include <stdint.h>

enum {
	SIGN_KEYID = 32,
	SIGN_TEXT = 512,
	SIGN_SIGNATURE = 1024, /* RSA of 8192 bits */
	SIGN_KEYS = 500,
	SIGN_OPEN = 1000,
	SIGN_MS = 120000
};

enum {
	SIGN_RSA_PKCS1_SHA256 = 0x0401, /* TLS 1.2 alone, like the next two */
	SIGN_RSA_PKCS1_SHA384 = 0x0501,
	SIGN_RSA_PKCS1_SHA512 = 0x0601,
	SIGN_ECDSA_SHA256 = 0x0403,
	SIGN_ECDSA_SHA384 = 0x0503,
	SIGN_ECDSA_SHA512 = 0x0603,
	SIGN_RSA_PSS_SHA256 = 0x0804,
	SIGN_RSA_PSS_SHA384 = 0x0805,
	SIGN_RSA_PSS_SHA512 = 0x0806,
	SIGN_ED25519 = 0x0807
};

/* Why not. */
enum sign_reason {
	SIGN_BAD_REQUEST = 1, /* no request */
	SIGN_BAD_TEXT,        /* of another form */
	SIGN_NO_KEY,          /* no such key, or not of this pair's time */
	SIGN_BAD_SCHEME,      /* not this key's, or not TLS 1.3's */
	SIGN_FAILED           /* the library's fault */
};

/* The form of text that a TLS 1.2 or 1.3 server signs, if it is one. (No allocation, no library.) */
enum sign_form { SIGN_FORM_NONE, SIGN_FORM_12, SIGN_FORM_13 };
enum sign_form signing_form(const uint8_t *text, size_t n);

/* The frames. Pointers of a request point into its frame. -1 with EBADMSG or EMSGSIZE. */
enum {
	SIGN_HEAD = SIGN_KEYID + 2,
	SIGN_REQUEST = SIGN_HEAD + SIGN_TEXT,
	SIGN_ANSWER = 1 + SIGN_SIGNATURE,
	SIGN_LIST = 3 + SIGN_KEYS * SIGN_KEYID
};
struct sign_request {
	const uint8_t *id;
	uint16_t scheme;
	const uint8_t *text;
	size_t len;
};
int signing_put(uint8_t frame[SIGN_REQUEST], size_t *n, const struct sign_request *r);
int signing_get(struct sign_request *r, const uint8_t *frame, size_t n);

#endif
