/* The client's half of a handshake: whom it must be, and whether it was. What follows
 * from that is the caller's. */
#include "role.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "prog.h"

enum { USAGE_TA = 2, USAGE_EE = 3, NO_USAGE = 255 };

/* ---- before ---- */

/* The subject's common name is one for DANE alone (RFC 7672 3.2.3): a CA's constraints do
 * not always bind it. */
static int set_names(SSL *ssl, const struct tls_want *w)
{
	unsigned common =
	    w->verify == TLS_DANE ? 0U : X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;

	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | common);
	for (size_t i = 0; i < w->nnames; i++)
		if (SSL_add1_host(ssl, w->names[i]) != 1)
			return 0;
	return 1;
}

/* RFC 7672 3.1.3: PKIX-TA and PKIX-EE are unusable for SMTP, as is what the library does
 * not know. */
static int add_record(SSL *ssl, const struct tls_record *r)
{
	int taken;

	if (r->usage != USAGE_TA && r->usage != USAGE_EE)
		return 0;
	taken = SSL_dane_tlsa_add(ssl, r->usage, r->selector, r->mtype, r->data, r->len);
	ERR_clear_error();
	return taken == 1;
}

/* SSL_dane_enable() makes a SNI of its name; what the caller wants is set behind it. */
static int set_dane(SSL *ssl, const struct tls_want *w, struct tls_facts *f)
{
	const char *name = w->nnames > 0 ? w->names[0] : w->sni;

	if (SSL_dane_enable(ssl, name[0] != '\0' ? name : "dane.invalid") != 1 ||
	    set_names(ssl, w) != 1)
		return 0;
	/* RFC 7672 3.1.1: usage 3 looks at no name and no date. */
	(void)SSL_dane_set_flags(ssl, DANE_FLAG_NO_DANE_EE_NAMECHECKS);
	for (size_t i = 0; i < w->nrecords; i++)
		f->usable += (unsigned)add_record(ssl, &w->records[i]);
	if (f->usable == 0) /* RFC 7672 2.2: encryption is all that is left to do */
		SSL_set_security_level(ssl, 0);
	return 1;
}

static int set_sni(SSL *ssl, const char *sni)
{
	const char *name = sni[0] != '\0' ? sni : NULL;

	return SSL_set_tlsext_host_name(ssl, name) == 1;
}

static int set_alpn(SSL *ssl, const char *alpn)
{
	unsigned char list[1 + TLS_ALPN];
	size_t n = strlen(alpn);

	if (n == 0)
		return 1;
	list[0] = (unsigned char)n;
	memcpy(list + 1, alpn, n);
	return SSL_set_alpn_protos(ssl, list, (unsigned)n + 1) == 0;
}

static int set_verify(SSL *ssl, const struct tls_want *w, struct tls_facts *f)
{
	switch (w->verify) {
	case TLS_NAME:
		return set_names(ssl, w);
	case TLS_DANE:
		return set_dane(ssl, w, f);
	case TLS_NONE: /* the alternative is clear text: old keys and hashes will do */
		SSL_set_security_level(ssl, 0);
		break;
	case TLS_PIN:
		break;
	}
	return 1;
}

static int begin(SSL *ssl, const struct tls_want *w, struct tls_facts *f)
{
	f->usage = NO_USAGE;
	SSL_set_connect_state(ssl);
	return set_verify(ssl, w, f) == 1 && set_sni(ssl, w->sni) == 1 &&
	       set_alpn(ssl, w->alpn) == 1;
}

/* ---- after ---- */

static int is_pinned(const struct tls_want *w, const char *key)
{
	char hex[2 * TLS_KEYLEN + 1];

	for (size_t i = 0; i < w->npins; i++) {
		for (size_t k = 0; k < TLS_KEYLEN; k++)
			(void)snprintf(hex + 2 * k, 3, "%02x", w->pins[i][k]);
		if (strcmp(hex, key) == 0)
			return 1;
	}
	return 0;
}

static void say(struct tls_facts *f, const char *why)
{
	(void)snprintf(f->why, sizeof f->why, "%s", why);
}

/* What the library found: a chain, and a name of those that were set. */
static void judge_chain(SSL *ssl, struct tls_facts *f)
{
	long r = SSL_get_verify_result(ssl);
	const char *name = SSL_get0_peername(ssl);

	f->verified = r == X509_V_OK && f->key[0] != '\0';
	if (!f->verified)
		say(f, X509_verify_cert_error_string(r));
	else if (name != NULL)
		(void)snprintf(f->name, sizeof f->name, "%s", name);
}

/* Without a usable record the library has judged by the system's CAs. */
static void judge_dane(SSL *ssl, struct tls_facts *f)
{
	uint8_t usage;

	if (f->usable == 0) {
		say(f, "no usable TLSA record");
		return;
	}
	judge_chain(ssl, f);
	if (f->verified && SSL_get0_dane_tlsa(ssl, &usage, NULL, NULL, NULL, NULL) >= 0)
		f->usage = usage;
	else if (f->verified) {
		f->verified = 0;
		say(f, "no TLSA record matched");
	}
}

static void judge(SSL *ssl, const struct tls_want *w, struct tls_facts *f)
{
	role_peer_key(ssl, f->key);
	switch (w->verify) {
	case TLS_NAME:
		judge_chain(ssl, f);
		break;
	case TLS_DANE:
		judge_dane(ssl, f);
		break;
	case TLS_PIN:
		f->verified = is_pinned(w, f->key);
		if (!f->verified)
			say(f, "the key is none of the pinned ones");
		break;
	case TLS_NONE:
		if (SSL_get_verify_result(ssl) != X509_V_OK)
			say(f, X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
		break;
	}
}

/* ---- in the starter ---- */

/* A session opens no file, so all of them are read now; a directory of them, as OpenSSL
 * has by default, would be read when it is needed. */
static int load_file(SSL_CTX *ctx, const char *file)
{
	int r = SSL_CTX_load_verify_file(ctx, file);

	ERR_clear_error();
	return r == 1;
}

static void load_cas(SSL_CTX *ctx)
{
	static const char *const files[] = {"/etc/ssl/certs/ca-certificates.crt",
					    "/etc/pki/tls/certs/ca-bundle.crt",
					    "/etc/ssl/cert.pem"};
	const char *chosen = getenv("SSL_CERT_FILE");

	if (chosen != NULL && load_file(ctx, chosen))
		return;
	for (size_t i = 0; chosen == NULL && i < sizeof files / sizeof *files; i++)
		if (load_file(ctx, files[i]))
			return;
	warn_msg("unable to read the CAs of %s; no host can be verified by its name",
		 chosen != NULL ? chosen : files[0]);
}

int client_open(struct role *r)
{
	r->server = 0;
	r->begin = begin;
	r->judge = judge;
	r->ctx = SSL_CTX_new(TLS_client_method());
	if (r->ctx == NULL || role_settle(r->ctx) == -1 ||
	    SSL_CTX_dane_enable(r->ctx) != 1)
		return -1;
	SSL_CTX_set_verify(r->ctx, SSL_VERIFY_NONE, NULL);
	load_cas(r->ctx);
	return 0;
}
