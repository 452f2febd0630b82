/* certs: the certificates of control/tls/NAME/cert.pem, with handles of their keys.
 *
 * NAME is what a client asks for (SNI), in lower case; "default" is for all others, and
 * without it the first in order. Names with a dot in front are passed over. What cannot
 * be read, or whose key qtls-key does not have, is named in a warning and left out.
 * Owner:  everything lives as long as the process.
 */
#ifndef QTLS_CERTS_H
#define QTLS_CERTS_H

#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "keyask.h"
#include "qlimits.h"

enum { CERTS_MAX = SIGN_KEYS, CHAIN_MAX = 10 };

struct cert {
	char name[LIMIT_DOMAIN + 1];
	X509 *leaf;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

/* How many there are. Those without a key: how many, for certs_have_come(). */
size_t certs_load(const struct keyask_list *keys, size_t *nmissing);

/* Has qtls-key one of the missing keys now? */
int certs_have_come(const struct keyask_list *keys);

/* The one for this name (NULL: none was asked for); NULL if there is none at all. */
const struct cert *certs_find(const char *name);

/* A name that may be looked up, in lower case in out; else out is "". */
void certs_name(char out[LIMIT_DOMAIN + 1], const char *name);

#endif
