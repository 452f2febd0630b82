/* Key management: a handle is a public key of the default provider, which answers
 * everything that is asked, and an id. */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "provider_int.h"

#define PRIVATE OSSL_KEYMGMT_SELECT_PRIVATE_KEY

static void *new_of(enum kind kind)
{
	struct handle *h = OPENSSL_zalloc(sizeof *h);

	if (h != NULL)
		h->kind = kind;
	return h;
}

static void *new_rsa(void *ctx)
{
	(void)ctx;
	return new_of(KIND_RSA);
}

static void *new_ec(void *ctx)
{
	(void)ctx;
	return new_of(KIND_EC);
}

static void *new_ed25519(void *ctx)
{
	(void)ctx;
	return new_of(KIND_ED25519);
}

static void release(void *key)
{
	struct handle *h = key;

	if (h == NULL)
		return;
	EVP_PKEY_free(h->public);
	OPENSSL_free(h);
}

static int has(const void *key, int selection)
{
	const struct handle *h = key;

	return h != NULL && h->public != NULL && (!(selection & PRIVATE) || h->is_ours);
}

static int match(const void *a, const void *b, int selection)
{
	const struct handle *x = a;
	const struct handle *y = b;

	if (x->public == NULL || y->public == NULL)
		return 0;
	if (selection & (OSSL_KEYMGMT_SELECT_PUBLIC_KEY | PRIVATE))
		return EVP_PKEY_eq(x->public, y->public) == 1;
	return EVP_PKEY_parameters_eq(x->public, y->public) == 1;
}

/* OpenSSL also comes here with plain public keys, to compare one with ours. */
static int take_id(struct handle *h, const OSSL_PARAM *params)
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, PARAM_ID);
	void *to = h->id;
	size_t n;

	if (p == NULL)
		return 1;
	h->is_ours = OSSL_PARAM_get_octet_string(p, &to, sizeof h->id, &n) == 1 &&
		     n == sizeof h->id;
	return h->is_ours;
}

static int import(void *key, int selection, const OSSL_PARAM params[])
{
	struct handle *h = key;
	EVP_PKEY_CTX *ctx;
	int ok;

	if (h == NULL || h->public != NULL ||
	    !(selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY))
		return 0;
	ctx = EVP_PKEY_CTX_new_from_name(NULL, kind_name[h->kind], DEFAULT);
	ok = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	     EVP_PKEY_fromdata(ctx, &h->public, EVP_PKEY_PUBLIC_KEY,
			       (OSSL_PARAM *)params) == 1 &&
	     take_id(h, params);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

/* Before each signature somebody asks for the private half too. Had he the public one in
 * its place, another provider would sign with half a key. */
static int export(void *key, int selection, OSSL_CALLBACK *take, void *arg)
{
	struct handle *h = key;

	if (h == NULL || h->public == NULL || (selection & PRIVATE))
		return 0;
	return EVP_PKEY_export(h->public, selection, take, arg);
}

static const OSSL_PARAM *types(int selection)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_octet_string(PARAM_ID, NULL, 0),
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
	    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
	    OSSL_PARAM_END};

	(void)selection;
	return list;
}

static int get_params(void *key, OSSL_PARAM params[])
{
	struct handle *h = key;

	return h->public != NULL && EVP_PKEY_get_params(h->public, params);
}

static const OSSL_PARAM *gettable(void *ctx)
{
	static const OSSL_PARAM list[] = {
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
	    OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
	    OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
	    OSSL_PARAM_END};

	(void)ctx;
	return list;
}

static const char *ec_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC";
}

#define F(f) (void (*)(void))(f)
#define COMMON                                                                          \
	{OSSL_FUNC_KEYMGMT_FREE, F(release)}, {OSSL_FUNC_KEYMGMT_HAS, F(has)},          \
	    {OSSL_FUNC_KEYMGMT_MATCH, F(match)}, {OSSL_FUNC_KEYMGMT_IMPORT, F(import)}, \
	    {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, F(types)},                                 \
	    {OSSL_FUNC_KEYMGMT_EXPORT, F(export)},                                      \
	    {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, F(types)},                                 \
	    {OSSL_FUNC_KEYMGMT_GET_PARAMS, F(get_params)},                              \
	{                                                                               \
		OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, F(gettable)                          \
	}

static const OSSL_DISPATCH rsa[] = {
    {OSSL_FUNC_KEYMGMT_NEW, F(new_rsa)}, COMMON, {0, NULL}};
static const OSSL_DISPATCH ec[] = {
    {OSSL_FUNC_KEYMGMT_NEW, F(new_ec)},
    {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, F(ec_operation)},
    COMMON,
    {0, NULL}};
static const OSSL_DISPATCH ed25519[] = {
    {OSSL_FUNC_KEYMGMT_NEW, F(new_ed25519)}, COMMON, {0, NULL}};

const OSSL_ALGORITHM provider_keymgmt[] = {
    {"RSA:rsaEncryption:1.2.840.113549.1.1.1", "provider=quoin", rsa, NULL},
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", "provider=quoin", ec, NULL},
    {"ED25519:1.3.101.112", "provider=quoin", ed25519, NULL},
    {NULL, NULL, NULL, NULL}};
