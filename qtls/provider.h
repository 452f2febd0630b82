/* provider: an OpenSSL provider whose private keys are elsewhere.
 *
 *	provider_load()			once, before anything else of OpenSSL
 *	key = provider_key(cert)	in the starter: for SSL_CTX_use_PrivateKey
 *	provider_hook(ask)		in the session: whom to ask for a signature
 *
 * A handle is the public half of a certificate's key. Where libssl signs with it, the
 * hook gets the whole text; nothing else can be done with it (no decryption, no raw RSA:
 * offer ECDHE suites alone). RSA, EC (P-256, P-384, P-521), Ed25519. One process, one
 * thread, one hook.
 * Owner:  the EVP_PKEY is the caller's (EVP_PKEY_free); it keeps nothing of the cert.
 * Errors: -1 or NULL with OpenSSL's error queue; EVP_R_UNSUPPORTED_ALGORITHM for
 *         another kind of key.
 */
#ifndef QTLS_PROVIDER_H
#define QTLS_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "keyid.h"
#include "signing.h"

/* OpenSSL's default provider and ours, with the default one preferred: else our key
 * types would be fetched for ephemeral keys too. */
int provider_load(void);
void provider_unload(void); /* for a test that looks for leaks */

EVP_PKEY *provider_key(X509 *cert);

/* sig has room for *siglen bytes (SIGN_SIGNATURE at most); 0 with their number there, or
 * -1: the handshake fails. NULL: nobody is asked, each signature fails. */
typedef int provider_sign(const uint8_t id[SIGN_KEYID], uint16_t scheme,
			  const uint8_t *text, size_t n, uint8_t *sig, size_t *siglen);
void provider_hook(provider_sign *sign);

#endif
