#include "verify.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pwrec.h"

/* One hash of the usual cost, for nothing. */
static enum verdict waste(const char *password, const struct cost *usual)
{
	static const unsigned char salt[crypto_pwhash_SALTBYTES];
	unsigned char out[32];

	if (crypto_pwhash(out, sizeof out, password, strlen(password), salt,
			  usual->passes, usual->memory,
			  crypto_pwhash_ALG_ARGON2ID13) == -1)
		return VERDICT_LATER;
	sodium_memzero(out, sizeof out);
	return VERDICT_WRONG;
}

/* libsodium calls a hash that it had no memory for a wrong one. */
static int had_memory(const char *hash)
{
	const char *m = strstr(hash, "$m=");
	size_t n = m != NULL ? (size_t)strtoul(m + 3, NULL, 10) << 10 : 0;
	void *p = mmap(NULL, n + 65536, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return 0;
	(void)munmap(p, n + 65536);
	return 1;
}

/* A wrong password is EINVAL. */
static enum verdict fits(const struct pwrec_hash *h, const char *password)
{
	errno = 0;
	if (crypto_pwhash_str_verify(h->hash, password, strlen(password)) == 0)
		return VERDICT_RIGHT;
	if (errno == EINVAL && had_memory(h->hash))
		return VERDICT_WRONG;
	if (errno == EINVAL)
		errno = ENOMEM;
	else if (errno == 0)
		errno = EBADMSG;
	return VERDICT_LATER;
}

static enum verdict verify_main(const struct pwrec_hash *h, const char *password,
				const struct cost *usual)
{
	if (strcmp(h->hash, "*") == 0)
		return waste(password, usual);
	return fits(h, password);
}

/* The cheap ones first. */
static enum verdict verify_all(const struct pwrec *r, const char *password,
			       const char *service, int64_t now, const struct cost *usual)
{
	for (size_t i = 1; i < r->nhashes; i++) {
		enum verdict v;

		if (!pwrec_is_for(&r->hashes[i], service, now))
			continue;
		v = fits(&r->hashes[i], password);
		if (v != VERDICT_WRONG)
			return v;
	}
	if (!pwrec_is_for(&r->hashes[0], service, now))
		return waste(password, usual);
	return verify_main(&r->hashes[0], password, usual);
}

enum verdict verify(struct table *t, const char *key, const char *password,
		    const char *service, int64_t now, const struct cost *usual)
{
	const char *value;
	struct pwrec r;
	size_t n;
	int found = t == NULL ? 0 : table_get(t, key, strlen(key), &value, &n);

	if (found == -1)
		return VERDICT_LATER;
	if (found == 0)
		return waste(password, usual);
	if (pwrec_get(&r, value, n) == -1)
		return VERDICT_LATER;
	return verify_all(&r, password, service, now, usual);
}
