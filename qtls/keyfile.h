/* keyfile: one directory of control/tls: cert.pem, whose first certificate is ours, and
 * key.pem. Both come from the same directory, though a link to it may change meanwhile.
 * Nobody is asked for a pass phrase.
 * Errors: -1, and keyfile_error() is one line of text. */
#ifndef QTLS_KEYFILE_H
#define QTLS_KEYFILE_H

#include <openssl/evp.h>

#include "signing.h"

enum { KEYFILE_MAX = 65536 }; /* bytes of a file */

/* tls: control/tls. *key is the caller's. is_tried: a key of this id has signed already,
 * which is most of the work; names that share a certificate are many. */
int keyfile_load(int tls, const char *name, int (*is_tried)(const uint8_t id[SIGN_KEYID]),
		 EVP_PKEY **key, uint8_t id[SIGN_KEYID]);
const char *keyfile_error(void);

#endif
