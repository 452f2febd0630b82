/* provider: handshakes in which the key is elsewhere, with every kind of key, in TLS 1.2
 * and 1.3; what is to be signed is judged and signed by the key process' own code. And
 * what must not be possible with a handle. */
#include "exact.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>

#include "../../qtls/provider.h"
#include "../../qtls/sign.h"

static struct {
	EVP_PKEY *key;
	uint8_t id[SIGN_KEYID];
	uint16_t scheme;
	int count;
	int reason;
} far; /* what qtls-key would be */

static int sign_far(const uint8_t id[SIGN_KEYID], uint16_t scheme, const uint8_t *text,
		    size_t n, uint8_t *sig, size_t *siglen)
{
	const struct sign_request r = {id, scheme, text, n};
	uint8_t out[SIGN_SIGNATURE];
	size_t len;

	far.count++;
	far.scheme = scheme;
	assert_memory_equal(id, far.id, SIGN_KEYID);
	far.reason = sign_make(far.key, &r, out, &len);
	if (far.reason != 0)
		return -1;
	assert_true(len <= *siglen);
	memcpy(sig, out, len);
	*siglen = len;
	return 0;
}

static EVP_PKEY *make_key(const char *kind)
{
	EVP_PKEY *key;

	if (strcmp(kind, "RSA") == 0)
		key = EVP_RSA_gen(2048);
	else if (strcmp(kind, "ED25519") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = EVP_EC_gen(kind);
	assert_non_null(key);
	return key;
}

static X509 *make_cert(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	const unsigned char common[] = "q.example";

	assert_int_equal(X509_set_version(cert, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -60));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
	assert_int_equal(X509_set_issuer_name(cert, name), 1);
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_true(X509_sign(cert, key,
			      EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_sha256()) > 0);
	return cert;
}

/* The key goes far away; what stays is the certificate and the handle. */
static X509 *begin(const char *kind, EVP_PKEY **handle)
{
	X509 *cert;

	far.key = make_key(kind);
	cert = make_cert(far.key);
	far.count = 0;
	assert_int_equal(keyid_of(cert, far.id), 0);
	*handle = provider_key(cert);
	assert_non_null(*handle);
	provider_hook(sign_far);
	return cert;
}

static void finish(X509 *cert, EVP_PKEY *handle)
{
	X509_free(cert);
	EVP_PKEY_free(handle);
	EVP_PKEY_free(far.key);
	far.key = NULL;
	ERR_clear_error();
}

/* ---- a handshake in memory ---- */

struct ends {
	SSL_CTX *server_ctx, *client_ctx;
	SSL *server, *client;
};

static void connect_ends(struct ends *e, X509 *cert, EVP_PKEY *handle, int version,
			 const char *sigalgs)
{
	BIO *a;
	BIO *b;

	e->server_ctx = SSL_CTX_new(TLS_server_method());
	e->client_ctx = SSL_CTX_new(TLS_client_method());
	assert_non_null(e->server_ctx);
	assert_non_null(e->client_ctx);
	assert_int_equal(SSL_CTX_use_certificate(e->server_ctx, cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(e->server_ctx, handle), 1);
	assert_int_equal(SSL_CTX_check_private_key(e->server_ctx), 1);
	assert_int_equal(SSL_CTX_set_num_tickets(e->server_ctx, 0), 1);
	assert_int_equal(SSL_CTX_set_min_proto_version(e->client_ctx, version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(e->client_ctx, version), 1);
	if (sigalgs != NULL)
		assert_int_equal(SSL_CTX_set1_sigalgs_list(e->client_ctx, sigalgs), 1);
	e->server = SSL_new(e->server_ctx);
	e->client = SSL_new(e->client_ctx);
	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(e->server, a, a);
	SSL_set_bio(e->client, b, b);
	SSL_set_accept_state(e->server);
	SSL_set_connect_state(e->client);
}

static int shake(struct ends *e)
{
	for (int i = 0; i < 20; i++) {
		int c = SSL_do_handshake(e->client);
		int s = SSL_do_handshake(e->server);

		if (c == 1 && s == 1)
			return 1;
		if ((c != 1 && SSL_get_error(e->client, c) != SSL_ERROR_WANT_READ) ||
		    (s != 1 && SSL_get_error(e->server, s) != SSL_ERROR_WANT_READ))
			return 0;
	}
	return 0;
}

static void disconnect(struct ends *e)
{
	SSL_free(e->server);
	SSL_free(e->client);
	SSL_CTX_free(e->server_ctx);
	SSL_CTX_free(e->client_ctx);
}

static int handshake(X509 *cert, EVP_PKEY *handle, int version, const char *sigalgs)
{
	struct ends e;
	int ok;

	connect_ends(&e, cert, handle, version, sigalgs);
	ok = shake(&e);
	disconnect(&e);
	return ok;
}

static const struct {
	const char *kind;
	int version;
	const char *sigalgs;
	uint16_t scheme;
} rows[] = {
    {"RSA", TLS1_2_VERSION, "RSA+SHA256", SIGN_RSA_PKCS1_SHA256},
    {"RSA", TLS1_2_VERSION, "RSA+SHA384", SIGN_RSA_PKCS1_SHA384},
    {"RSA", TLS1_2_VERSION, "RSA+SHA512", SIGN_RSA_PKCS1_SHA512},
    {"RSA", TLS1_2_VERSION, "RSA-PSS+SHA256", SIGN_RSA_PSS_SHA256},
    {"RSA", TLS1_3_VERSION, "RSA-PSS+SHA256", SIGN_RSA_PSS_SHA256},
    {"RSA", TLS1_3_VERSION, "RSA-PSS+SHA384", SIGN_RSA_PSS_SHA384},
    {"RSA", TLS1_3_VERSION, "RSA-PSS+SHA512", SIGN_RSA_PSS_SHA512},
    {"P-256", TLS1_2_VERSION, NULL, SIGN_ECDSA_SHA256},
    {"P-256", TLS1_2_VERSION, "ECDSA+SHA512", SIGN_ECDSA_SHA512},
    {"P-256", TLS1_3_VERSION, NULL, SIGN_ECDSA_SHA256},
    {"P-384", TLS1_2_VERSION, "ECDSA+SHA384", SIGN_ECDSA_SHA384},
    {"P-384", TLS1_3_VERSION, NULL, SIGN_ECDSA_SHA384},
    {"P-521", TLS1_3_VERSION, NULL, SIGN_ECDSA_SHA512},
    {"ED25519", TLS1_2_VERSION, NULL, SIGN_ED25519},
    {"ED25519", TLS1_3_VERSION, NULL, SIGN_ED25519},
};

static void test_handshakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		EVP_PKEY *handle;
		X509 *cert = begin(rows[i].kind, &handle);

		if (!handshake(cert, handle, rows[i].version, rows[i].sigalgs))
			fail_msg("row %zu: %s, reason %d", i,
				 ERR_reason_error_string(ERR_peek_error()), far.reason);
		assert_int_equal(far.count, 1);
		assert_int_equal(far.scheme, rows[i].scheme);
		assert_int_equal(ERR_peek_error(),
				 0); /* libssl would take it for its own */
		finish(cert, handle);
	}
}

/* Nobody, somebody who refuses, somebody with another key: no handshake, no crash. */
static int refuse(const uint8_t id[SIGN_KEYID], uint16_t scheme, const uint8_t *text,
		  size_t n, uint8_t *sig, size_t *siglen)
{
	(void)id, (void)scheme, (void)text, (void)n, (void)sig, (void)siglen;
	return -1;
}

static int lie(const uint8_t id[SIGN_KEYID], uint16_t scheme, const uint8_t *text,
	       size_t n, uint8_t *sig, size_t *siglen)
{
	(void)id, (void)scheme, (void)text, (void)n, (void)sig;
	*siglen = SIGN_SIGNATURE + 1;
	return 0;
}

static void test_no_signature(void **state)
{
	static provider_sign *const hooks[] = {NULL, refuse, lie};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t h = 0; h < COUNT(hooks); h++) {
			EVP_PKEY *handle;
			X509 *cert = begin(rows[i].kind, &handle);

			provider_hook(hooks[h]);
			assert_int_equal(handshake(cert, handle, rows[i].version, NULL),
					 0);
			finish(cert, handle);
		}
}

/* What a handle is no use for. */
static int can_sign(EVP_PKEY *key, const char *digest, const char *provider, size_t n)
{
	static const uint8_t text[SIGN_TEXT + 1];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[SIGN_SIGNATURE];
	size_t len = sizeof sig;
	int ok;

	ok = EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, provider, key, NULL) == 1 &&
	     EVP_DigestSign(ctx, sig, &len, text, n) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* RSA-PSS: salt NO_SALT says nothing of it. TLS knows one length, that of the digest. */
enum { NO_SALT = -100 };

static int asks_pss(EVP_PKEY *key, int salt)
{
	static const uint8_t text[100];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[SIGN_SIGNATURE];
	size_t len = sizeof sig;
	EVP_PKEY_CTX *inner;
	int ok;

	far.count = 0;
	assert_int_equal(
	    EVP_DigestSignInit_ex(ctx, &inner, "SHA256", NULL, NULL, key, NULL), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(inner, RSA_PKCS1_PSS_PADDING), 1);
	ok = salt == NO_SALT || EVP_PKEY_CTX_set_rsa_pss_saltlen(inner, salt) == 1;
	if (ok)
		assert_int_equal(EVP_DigestSign(ctx, sig, &len, text, sizeof text), 0);
	EVP_MD_CTX_free(ctx);
	return far.count;
}

static void test_salt(void **state)
{
	EVP_PKEY *handle;
	X509 *cert = begin("RSA", &handle);

	(void)state;
	assert_int_equal(asks_pss(handle, RSA_PSS_SALTLEN_DIGEST), 1);
	assert_int_equal(far.scheme, SIGN_RSA_PSS_SHA256);
	assert_int_equal(asks_pss(handle, NO_SALT), 0);
	assert_int_equal(asks_pss(handle, 20), 0);
	assert_int_equal(asks_pss(handle, RSA_PSS_SALTLEN_MAX), 0);
	assert_int_equal(asks_pss(handle, RSA_PSS_SALTLEN_AUTO), 0);
	finish(cert, handle);
}

static int can_use(EVP_PKEY *key, int (*init)(EVP_PKEY_CTX *ctx))
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	int ok = ctx != NULL && init(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static int can_do_raw(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	uint8_t in[256] = {1};
	uint8_t out[SIGN_SIGNATURE];
	size_t n = sizeof out;
	int ok = ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
		 EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1 &&
		 EVP_PKEY_sign(ctx, out, &n, in, sizeof in) == 1;

	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static void test_nothing_else(void **state)
{
	static const char *const kinds[] = {"RSA", "P-256", "ED25519"};

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		EVP_PKEY *handle;
		X509 *cert = begin(kinds[i], &handle);
		const char *digest = i == 2 ? NULL : "SHA256";
		uint8_t *der = NULL;

		assert_int_equal(can_sign(handle, digest, NULL, 100), 0);
		assert_int_equal(far.reason, SIGN_BAD_TEXT);
		far.count = 0;
		assert_int_equal(can_sign(handle, digest, NULL, SIGN_TEXT + 1), 0);
		assert_int_equal(can_sign(handle, digest, "provider=default", 100), 0);
		if (i != 2)
			assert_int_equal(can_sign(handle, "SHA1", NULL, 100), 0);
		assert_int_equal(can_do_raw(handle), 0);
		assert_int_equal(can_use(handle, EVP_PKEY_decrypt_init), 0);
		assert_int_equal(can_use(handle, EVP_PKEY_derive_init), 0);
		assert_int_equal(far.count, 0);
		assert_true(i2d_PrivateKey(handle, &der) <= 0);
		finish(cert, handle);
	}
}

static void test_is_the_certificates(void **state)
{
	EVP_PKEY *handle;
	X509 *cert = begin("P-256", &handle);
	EVP_PKEY *other = make_key("P-256");
	X509 *foreign = make_cert(other);

	(void)state;
	assert_int_equal(EVP_PKEY_eq(handle, X509_get0_pubkey(cert)), 1);
	assert_int_equal(X509_check_private_key(cert, handle), 1);
	assert_int_equal(X509_check_private_key(foreign, handle), 0);
	assert_int_equal(EVP_PKEY_get_bits(handle), 256);
	X509_free(foreign);
	EVP_PKEY_free(other);
	finish(cert, handle);
}

static void test_other_kinds(void **state)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");
	X509 *cert = X509_new();

	(void)state;
	assert_null(provider_key(cert)); /* without a key */
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_null(provider_key(cert));
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int load(void **state)
{
	(void)state;
	return provider_load();
}

static int unload(void **state)
{
	(void)state;
	provider_unload();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_handshakes),
	    cmocka_unit_test(test_no_signature),
	    cmocka_unit_test(test_nothing_else),
	    cmocka_unit_test(test_salt),
	    cmocka_unit_test(test_is_the_certificates),
	    cmocka_unit_test(test_other_kinds),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
