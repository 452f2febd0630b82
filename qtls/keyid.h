/* keyid: what a certificate's key is called between qtls and qtls-key: SHA-256 of its
 * SubjectPublicKeyInfo, byte by byte as it stands in the certificate. 0, or -1 with
 * OpenSSL's error queue. */
#ifndef QTLS_KEYID_H
#define QTLS_KEYID_H

#include <stdint.h>

#include <openssl/x509.h>

#include "signing.h"

int keyid_of(X509 *cert, uint8_t id[SIGN_KEYID]);

#endif
