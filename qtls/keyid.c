#include "keyid.h"

#include <openssl/evp.h>

int keyid_of(X509 *cert, uint8_t id[SIGN_KEYID])
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	int r = -1;

	if (n > 0 && EVP_Q_digest(NULL, "SHA256", NULL, der, (size_t)n, id, NULL) == 1)
		r = 0;
	OPENSSL_free(der);
	return r;
}
