/* sign: one request of a session, judged and carried out; and what a key must be. */
#ifndef QTLS_SIGN_H
#define QTLS_SIGN_H

#include <openssl/evp.h>

#include "signing.h"

/* RSA: below 2048 bits no client of today takes it. */
enum { SIGN_RSA_MIN = 2048, SIGN_RSA_MAX = 8192 };

/* 0 and the signature, or why not. */
int sign_make(EVP_PKEY *key, const struct sign_request *r, uint8_t sig[SIGN_SIGNATURE],
	      size_t *siglen);

/* NULL, or why nobody could use such a key. */
const char *sign_unfit(const EVP_PKEY *key);

/* Signs, and verifies with the certificate's key: 0, or -1. */
int sign_check(EVP_PKEY *key, EVP_PKEY *public);

#endif
