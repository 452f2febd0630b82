#include "provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/evperr.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include "provider_int.h"

#define OURS "quoin"

const char *const kind_name[KINDS] = {"RSA", "EC", "ED25519"};
provider_sign *provider_asks;

void provider_hook(provider_sign *sign)
{
	provider_asks = sign;
}

static const OSSL_ALGORITHM *query(void *ctx, int operation, int *no_cache)
{
	(void)ctx;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return provider_keymgmt;
	return operation == OSSL_OP_SIGNATURE ? provider_signature : NULL;
}

static int init(const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *in,
		const OSSL_DISPATCH **out, void **ctx)
{
	static const OSSL_DISPATCH table[] = {
	    {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query}, {0, NULL}};

	(void)in;
	*out = table;
	*ctx = (void *)core; /* it may not be NULL; nobody uses it */
	return 1;
}

static OSSL_PROVIDER *loaded[2];

/* Once any provider is loaded the default one is no longer there by itself. */
int provider_load(void)
{
	if (OSSL_PROVIDER_add_builtin(NULL, OURS, init) != 1 ||
	    (loaded[0] = OSSL_PROVIDER_load(NULL, "default")) == NULL ||
	    (loaded[1] = OSSL_PROVIDER_load(NULL, OURS)) == NULL ||
	    EVP_set_default_properties(NULL, "?" DEFAULT) != 1)
		return -1;
	return 0;
}

void provider_unload(void)
{
	for (int i = 1; i >= 0; i--) {
		if (loaded[i] != NULL)
			(void)OSSL_PROVIDER_unload(loaded[i]);
		loaded[i] = NULL;
	}
}

static const char *kind_of(const EVP_PKEY *key)
{
	for (int i = 0; i < KINDS; i++)
		if (EVP_PKEY_is_a(key, kind_name[i]))
			return kind_name[i];
	ERR_raise(ERR_LIB_EVP, EVP_R_UNSUPPORTED_ALGORITHM);
	return NULL;
}

static EVP_PKEY *make(const char *kind, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, kind, "provider=" OURS);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* The public half's parameters, and the id with them. */
static EVP_PKEY *make_with_id(EVP_PKEY *public, uint8_t id[SIGN_KEYID])
{
	OSSL_PARAM ours[] = {OSSL_PARAM_octet_string(PARAM_ID, id, SIGN_KEYID),
			     OSSL_PARAM_END};
	const char *kind = kind_of(public);
	OSSL_PARAM *params = NULL;
	OSSL_PARAM *all = NULL;
	EVP_PKEY *key = NULL;

	if (kind != NULL && EVP_PKEY_todata(public, EVP_PKEY_PUBLIC_KEY, &params) == 1 &&
	    (all = OSSL_PARAM_merge(params, ours)) != NULL)
		key = make(kind, all);
	OPENSSL_free(all); /* the pieces are params' */
	OSSL_PARAM_free(params);
	return key;
}

EVP_PKEY *provider_key(X509 *cert)
{
	EVP_PKEY *public = X509_get0_pubkey(cert);
	uint8_t id[SIGN_KEYID];

	if (public == NULL || keyid_of(cert, id) == -1)
		return NULL;
	return make_with_id(public, id);
}
