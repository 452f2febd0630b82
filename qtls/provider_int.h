/* provider, inside: a handle and what the two operations share. */
#ifndef QTLS_PROVIDER_INT_H
#define QTLS_PROVIDER_INT_H

#include <openssl/core.h>

#include "provider.h"

enum kind { KIND_RSA, KIND_EC, KIND_ED25519, KINDS };

/* What OpenSSL calls a key of ours. The public half belongs to the default provider. */
struct handle {
	enum kind kind;
	EVP_PKEY *public;
	int is_ours; /* has an id: else it is somebody's public key, imported to compare
		      */
	uint8_t id[SIGN_KEYID];
};

/* The id among the parameters of a key that is made. */
#define PARAM_ID "quoin-id"
#define DEFAULT  "provider=default"

extern const char *const kind_name[KINDS];
extern const OSSL_ALGORITHM provider_keymgmt[];
extern const OSSL_ALGORITHM provider_signature[];
extern provider_sign *provider_asks; /* whom provider_hook() named */

#endif
