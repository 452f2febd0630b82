/* The signature: digest, padding and kind of key name a scheme of TLS, and the hook is
 * asked for it. libssl signs in one call; there is no update and final. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <string.h>
#include <strings.h>

#include "provider_int.h"

enum padding { PADDING_NONE, PADDING_PKCS1, PADDING_PSS };

struct signing {
	const struct handle *key;
	int bits; /* of the digest; 0: none */
	enum padding padding;
	int salt_is_digest;
};

static const struct {
	enum kind kind;
	enum padding padding;
	int bits;
	uint16_t scheme;
} schemes[] = {
    {KIND_RSA, PADDING_PKCS1, 256, SIGN_RSA_PKCS1_SHA256},
    {KIND_RSA, PADDING_PKCS1, 384, SIGN_RSA_PKCS1_SHA384},
    {KIND_RSA, PADDING_PKCS1, 512, SIGN_RSA_PKCS1_SHA512},
    {KIND_RSA, PADDING_PSS, 256, SIGN_RSA_PSS_SHA256},
    {KIND_RSA, PADDING_PSS, 384, SIGN_RSA_PSS_SHA384},
    {KIND_RSA, PADDING_PSS, 512, SIGN_RSA_PSS_SHA512},
    {KIND_EC, PADDING_NONE, 256, SIGN_ECDSA_SHA256},
    {KIND_EC, PADDING_NONE, 384, SIGN_ECDSA_SHA384},
    {KIND_EC, PADDING_NONE, 512, SIGN_ECDSA_SHA512},
    {KIND_ED25519, PADDING_NONE, 0, SIGN_ED25519},
};

static const struct {
	const char *name;
	int bits;
} digests[] = {{"SHA2-256", 256}, {"SHA256", 256},   {"SHA2-384", 384},
	       {"SHA384", 384},   {"SHA2-512", 512}, {"SHA512", 512}};

static int digest_bits(const char *name)
{
	for (size_t i = 0; name != NULL && i < sizeof digests / sizeof *digests; i++)
		if (strcasecmp(name, digests[i].name) == 0)
			return digests[i].bits;
	return 0;
}

static int scheme_of(const struct signing *s, uint16_t *scheme)
{
	if (s->padding == PADDING_PSS && !s->salt_is_digest)
		return 0;
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (schemes[i].kind == s->key->kind && schemes[i].bits == s->bits &&
		    schemes[i].padding == s->padding) {
			*scheme = schemes[i].scheme;
			return 1;
		}
	return 0;
}

static void *new_signing(void *ctx, const char *properties)
{
	(void)ctx;
	(void)properties;
	return OPENSSL_zalloc(sizeof(struct signing));
}

static void free_signing(void *ctx)
{
	OPENSSL_free(ctx);
}

/* ---- parameters: numbers or words, as the caller likes ---- */

/* The type is looked at, not tried: a failed try stays in OpenSSL's queue of errors (3.2
 * and later), and libssl then takes a handshake that waits for one that failed. */
static const char *word_of(const OSSL_PARAM *p)
{
	const char *word;

	if (p->data_type != OSSL_PARAM_UTF8_STRING && p->data_type != OSSL_PARAM_UTF8_PTR)
		return NULL;
	return OSSL_PARAM_get_utf8_string_ptr(p, &word) == 1 ? word : NULL;
}

static int take_padding(struct signing *s, const OSSL_PARAM *p)
{
	const char *word = word_of(p);
	int mode = 0;

	if (word != NULL) {
		if (strcmp(word, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
			mode = RSA_PKCS1_PSS_PADDING;
		if (strcmp(word, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
			mode = RSA_PKCS1_PADDING;
	} else if (OSSL_PARAM_get_int(p, &mode) != 1)
		return 0;
	if (mode == RSA_PKCS1_PSS_PADDING)
		s->padding = PADDING_PSS;
	else if (mode == RSA_PKCS1_PADDING)
		s->padding = PADDING_PKCS1;
	else
		return 0;
	return s->key->kind == KIND_RSA;
}

static int take_salt(struct signing *s, const OSSL_PARAM *p)
{
	const char *word = word_of(p);
	int n = 0;

	if (word != NULL)
		s->salt_is_digest = strcmp(word, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
	else if (OSSL_PARAM_get_int(p, &n) == 1)
		s->salt_is_digest = n == RSA_PSS_SALTLEN_DIGEST;
	else
		return 0;
	return s->salt_is_digest;
}

static int take_mgf1(struct signing *s, const OSSL_PARAM *p)
{
	return digest_bits(word_of(p)) == s->bits;
}

static int set_params(void *ctx, const OSSL_PARAM params[])
{
	static const struct {
		const char *name;
		int (*take)(struct signing *s, const OSSL_PARAM *p);
	} rows[] = {{OSSL_SIGNATURE_PARAM_PAD_MODE, take_padding},
		    {OSSL_SIGNATURE_PARAM_PSS_SALTLEN, take_salt},
		    {OSSL_SIGNATURE_PARAM_MGF1_DIGEST, take_mgf1}};
	struct signing *s = ctx;

	if (params == NULL)
		return 1;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, rows[i].name);

		if (p != NULL && (s->key == NULL || !rows[i].take(s, p)))
			return 0;
	}
	return 1;
}

static const OSSL_PARAM *settable(void *ctx, void *provider)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_MGF1_DIGEST, NULL, 0),
	    OSSL_PARAM_END};

	(void)ctx;
	(void)provider;
	return list;
}

/* ---- signing ---- */

static int begin(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signing *s = ctx;

	if (key != NULL)
		s->key = key;
	if (s->key == NULL || !s->key->is_ours)
		return 0;
	s->bits = s->key->kind == KIND_ED25519 ? 0 : digest_bits(digest);
	s->padding = s->key->kind == KIND_RSA ? PADDING_PKCS1 : PADDING_NONE;
	s->salt_is_digest = 0;
	return set_params(ctx, params);
}

static int sign(void *ctx, unsigned char *sig, size_t *siglen, size_t room,
		const unsigned char *text, size_t n)
{
	const struct signing *s = ctx;
	uint16_t scheme;

	if (s->key == NULL || !s->key->is_ours || !scheme_of(s, &scheme))
		return 0;
	if (sig == NULL) {
		int max = EVP_PKEY_get_size(s->key->public);

		*siglen = max > 0 ? (size_t)max : 0;
		return max > 0;
	}
	*siglen = room;
	return provider_asks != NULL && n <= SIGN_TEXT &&
	       provider_asks(s->key->id, scheme, text, n, sig, siglen) == 0 &&
	       *siglen <= room;
}

#define F(f) (void (*)(void))(f)
static const OSSL_DISPATCH functions[] = {
    {OSSL_FUNC_SIGNATURE_NEWCTX, F(new_signing)},
    {OSSL_FUNC_SIGNATURE_FREECTX, F(free_signing)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, F(begin)},
    {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, F(sign)},
    {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, F(set_params)},
    {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, F(settable)},
    {0, NULL}};

const OSSL_ALGORITHM provider_signature[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=quoin", functions, NULL},
    {"ECDSA", "provider=quoin", functions, NULL},
    {"ED25519:1.3.101.112", "provider=quoin", functions, NULL},
    {NULL, NULL, NULL, NULL}};
