/* The server's half of a handshake: a certificate by name, one protocol, and whatever
 * certificate a client shows. */
#include "role.h"

#include <string.h>

#include <openssl/err.h>

#include "certs.h"

/* The key is elsewhere and signs only: no key exchange by RSA. */
static const char suites[] = "ECDHE+AESGCM:ECDHE+CHACHA20";

/* What the library makes of a certificate costs a session 50 us; of the usual one it is
 * made once, in the starter (server_prepare_usual()). */
static const struct cert *usual;

static int choose_cert(SSL *ssl, void *arg)
{
	const struct cert *c =
	    certs_find(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));

	(void)arg;
	if (c != NULL && c == usual)
		return 1;
	SSL_certs_clear(ssl); /* else a client might get the usual one of another kind */
	return c != NULL && SSL_use_cert_and_key(ssl, c->leaf, c->key, c->chain, 1) == 1;
}

void server_prepare_usual(struct role *r)
{
	const struct cert *c = certs_find(NULL);

	if (c != NULL &&
	    SSL_CTX_use_cert_and_key(r->ctx, c->leaf, c->key, c->chain, 1) == 1)
		usual = c;
	ERR_clear_error();
}

/* RFC 7301 3.2: who speaks other protocols alone is not for us (ALPACA). */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *outlen,
			   const unsigned char *in, unsigned inlen, void *arg)
{
	const struct tls_want *w = SSL_get_app_data(ssl);
	size_t len = strlen(w->alpn);

	(void)arg;
	if (len == 0)
		return SSL_TLSEXT_ERR_NOACK;
	for (unsigned at = 0; at < inlen && in[at] < inlen - at; at += 1 + in[at])
		if (in[at] == len && memcmp(in + at + 1, w->alpn, len) == 0) {
			*out = in + at + 1;
			*outlen = in[at];
			return SSL_TLSEXT_ERR_OK;
		}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* What it shows is reported; that it has the key is proved by the handshake. */
static int any_cert(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static int begin(SSL *ssl, const struct tls_want *w, struct tls_facts *f)
{
	(void)f;
	SSL_set_accept_state(ssl);
	if (w->flags & TLS_ASK)
		SSL_set_verify(ssl, SSL_VERIFY_PEER, any_cert);
	return 1;
}

static void judge(SSL *ssl, const struct tls_want *w, struct tls_facts *f)
{
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)w;
	role_peer_key(ssl, f->key);
	if (name != NULL)
		certs_name(f->name, name);
}

int server_open(struct role *r)
{
	r->server = 1;
	r->begin = begin;
	r->judge = judge;
	r->ctx = SSL_CTX_new(TLS_server_method());
	if (r->ctx == NULL || role_settle(r->ctx) == -1 ||
	    SSL_CTX_set_cipher_list(r->ctx, suites) != 1)
		return -1;
	/* Ours first; but a client without hardware for AES has its wish. */
	SSL_CTX_set_options(r->ctx,
			    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_cert_cb(r->ctx, choose_cert, NULL);
	SSL_CTX_set_alpn_select_cb(r->ctx, choose_protocol, NULL);
	return 0;
}
