#include "sign.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include <string.h>

static const struct scheme {
	uint16_t scheme;
	const char *kind;
	const char *digest;
	int bits13; /* EC: the curve that it means in TLS 1.3 (RFC 8446 4.2.3) */
	int is_pss;
	int only12;
} schemes[] = {
    {SIGN_RSA_PKCS1_SHA256, "RSA", "SHA256", 0, 0, 1},
    {SIGN_RSA_PKCS1_SHA384, "RSA", "SHA384", 0, 0, 1},
    {SIGN_RSA_PKCS1_SHA512, "RSA", "SHA512", 0, 0, 1},
    {SIGN_ECDSA_SHA256, "EC", "SHA256", 256, 0, 0},
    {SIGN_ECDSA_SHA384, "EC", "SHA384", 384, 0, 0},
    {SIGN_ECDSA_SHA512, "EC", "SHA512", 521, 0, 0},
    {SIGN_RSA_PSS_SHA256, "RSA", "SHA256", 0, 1, 0},
    {SIGN_RSA_PSS_SHA384, "RSA", "SHA384", 0, 1, 0},
    {SIGN_RSA_PSS_SHA512, "RSA", "SHA512", 0, 1, 0},
    {SIGN_ED25519, "ED25519", NULL, 0, 0, 0},
};

static int fits(const struct scheme *s, EVP_PKEY *key, enum sign_form form)
{
	if (!EVP_PKEY_is_a(key, s->kind))
		return 0;
	return form == SIGN_FORM_12 ||
	       (!s->only12 && (s->bits13 == 0 || s->bits13 == EVP_PKEY_get_bits(key)));
}

static const struct scheme *find(uint16_t scheme)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (schemes[i].scheme == scheme)
			return &schemes[i];
	return NULL;
}

/* For signing and for verifying alike. */
static int set_padding(const struct scheme *s, EVP_PKEY_CTX *ctx)
{
	return !s->is_pss ||
	       (EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static int sign_with(const struct scheme *s, EVP_PKEY *key, const struct sign_request *r,
		     uint8_t *sig, size_t *siglen)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner;
	int ok;

	*siglen = SIGN_SIGNATURE;
	ok = ctx != NULL &&
	     EVP_DigestSignInit_ex(ctx, &inner, s->digest, NULL, NULL, key, NULL) == 1 &&
	     set_padding(s, inner) &&
	     EVP_DigestSign(ctx, sig, siglen, r->text, r->len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

int sign_make(EVP_PKEY *key, const struct sign_request *r, uint8_t sig[SIGN_SIGNATURE],
	      size_t *siglen)
{
	const enum sign_form form = signing_form(r->text, r->len);
	const struct scheme *s = find(r->scheme);

	if (form == SIGN_FORM_NONE)
		return SIGN_BAD_TEXT;
	if (s == NULL || !fits(s, key, form))
		return SIGN_BAD_SCHEME;
	if (sign_with(s, key, r, sig, siglen))
		return 0;
	ERR_clear_error();
	return SIGN_FAILED;
}

/* ---- a key that was just read ---- */

/* What it would sign with by itself: of EC the one of its curve. */
static const struct scheme *usual(EVP_PKEY *key)
{
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (fits(&schemes[i], key, SIGN_FORM_13))
			return &schemes[i];
	return NULL;
}

const char *sign_unfit(const EVP_PKEY *key)
{
	char curve[64];
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_is_a(key, "ED25519"))
		return NULL;
	if (EVP_PKEY_is_a(key, "RSA")) {
		if (bits < SIGN_RSA_MIN)
			return "the key is too short (RSA: 2048 bits at least)";
		return bits > SIGN_RSA_MAX ? "the key is too long (RSA: 8192 bits)"
					   : NULL;
	}
	if (!EVP_PKEY_is_a(key, "EC"))
		return "the key is neither RSA nor EC nor Ed25519";
	if (EVP_PKEY_get_group_name(key, curve, sizeof curve, NULL) == 1 &&
	    (strcmp(curve, "prime256v1") == 0 || strcmp(curve, "secp384r1") == 0 ||
	     strcmp(curve, "secp521r1") == 0))
		return NULL;
	return "the key's curve is not P-256, P-384 or P-521";
}

static int verify(const struct scheme *s, EVP_PKEY *public, const struct sign_request *r,
		  const uint8_t *sig, size_t siglen)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *inner;
	int ok;

	ok = ctx != NULL &&
	     EVP_DigestVerifyInit_ex(ctx, &inner, s->digest, NULL, NULL, public, NULL) ==
		 1 &&
	     set_padding(s, inner) &&
	     EVP_DigestVerify(ctx, sig, siglen, r->text, r->len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

int sign_check(EVP_PKEY *key, EVP_PKEY *public)
{
	static const char text[] = "qtls-key tries a key";
	const struct sign_request r = {.text = (const uint8_t *)text, .len = sizeof text};
	const struct scheme *s = usual(key);
	uint8_t sig[SIGN_SIGNATURE];
	size_t n;
	int ok;

	ok = s != NULL && sign_with(s, key, &r, sig, &n) && verify(s, public, &r, sig, n);
	ERR_clear_error();
	return ok ? 0 : -1;
}
