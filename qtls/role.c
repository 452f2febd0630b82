#include "role.h"

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

int role_settle(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
				     SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(ctx, 1); /* a record's head and body in one call */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, TLS_CERTLIST);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
		       SSL_CTX_set_num_tickets(ctx, 0) == 1
		   ? 0
		   : -1;
}

static void hex(char *out, const unsigned char *p, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = digits[p[i] >> 4];
		*out++ = digits[p[i] & 15];
	}
	*out = '\0';
}

void role_peer_key(SSL *ssl, char key[2 * TLS_KEYLEN + 1])
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	unsigned char *der = NULL;
	X509 *cert = SSL_get0_peer_certificate(ssl);
	int n;

	key[0] = '\0';
	if (cert == NULL)
		return;
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (n > 0 && SHA256(der, (size_t)n, sum) != NULL)
		hex(key, sum, sizeof sum);
	OPENSSL_free(der);
}

/* The first error is the cause; what follows says where it went through. */
const char *role_error(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_error());

	ERR_clear_error();
	return text != NULL ? text : "handshake failed";
}
