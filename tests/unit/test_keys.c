/* keys: generations of keys, read from a directory of the test's own; nothing leaks. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"

#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "paths.h"
#include "prog.h"

#include "../../qtls/keyid.h"
#include "../../qtls/keys.h"

static char home[] = "/tmp/test_keys.XXXXXX";

static void path_of(char out[LIMIT_PATH], const char *name, const char *file)
{
	(void)snprintf(out, LIMIT_PATH, "%s/control/tls/%s%s", home, name, file);
}

static void put_pem(const char *name, const char *file, EVP_PKEY *key, X509 *cert)
{
	char path[LIMIT_PATH];
	FILE *f;

	path_of(path, name, file);
	f = fopen(path, "w");
	assert_non_null(f);
	if (cert != NULL)
		assert_int_equal(PEM_write_X509(f, cert), 1);
	else
		assert_int_equal(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL),
				 1);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

/* A directory with a new key: its id. */
static void make(const char *name, uint8_t id[SIGN_KEYID])
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	char path[LIMIT_PATH];

	path_of(path, name, "");
	(void)mkdir(path, 0700);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 3600));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_int_equal(keyid_of(cert, id), 0);
	put_pem(name, "/cert.pem", key, cert);
	put_pem(name, "/key.pem", key, NULL);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void drop(const char *name)
{
	static const char *const files[] = {"/cert.pem", "/key.pem"};
	char path[LIMIT_PATH];

	for (size_t i = 0; i < COUNT(files); i++) {
		path_of(path, name, files[i]);
		(void)unlink(path);
	}
	path_of(path, name, "");
	(void)rmdir(path);
}

static size_t listed(void)
{
	static uint8_t frame[SIGN_LIST];
	size_t n = keys_list(frame);

	assert_int_equal(frame[0], 'L');
	assert_int_equal(n, 3 + SIGN_KEYID * (size_t)(frame[1] << 8 | frame[2]));
	return (n - 3) / SIGN_KEYID;
}

static void test_generations(void **state)
{
	uint8_t one[SIGN_KEYID];
	uint8_t two[SIGN_KEYID];
	uint64_t first;
	uint64_t second;

	(void)state;
	make("one", one);
	keys_read();
	first = keys_generation();
	assert_int_equal(listed(), 1);
	assert_non_null(keys_find(one, first));
	make("one", two); /* renewed */
	keys_read();
	second = keys_generation();
	assert_int_equal(listed(), 1);
	assert_non_null(keys_find(two, second));
	assert_non_null(keys_find(two, first));
	assert_non_null(keys_find(one, first));
	assert_null(keys_find(one, second));
	keys_forget(first); /* somebody is still there */
	assert_non_null(keys_find(one, first));
	keys_forget(second);
	assert_null(keys_find(one, first));
	assert_non_null(keys_find(two, second));
	drop("one");
	keys_read();
	assert_int_equal(listed(), 0);
	assert_non_null(keys_find(two, second));
	keys_forget(keys_generation());
	assert_null(keys_find(two, second));
}

/* The same key again and again is one key, and stays for whoever has the oldest word. */
static void test_unchanged(void **state)
{
	uint8_t id[SIGN_KEYID];
	uint64_t first;

	(void)state;
	make("same", id);
	keys_read();
	first = keys_generation();
	for (int i = 0; i < 5; i++)
		keys_read();
	assert_int_equal(listed(), 1);
	assert_non_null(keys_find(id, first));
	assert_non_null(keys_find(id, keys_generation()));
	drop("same");
	keys_read();
	keys_forget(keys_generation());
}

/* More renewals than there is room for, while somebody stays: the oldest go. */
static void test_bounded(void **state)
{
	uint8_t id[SIGN_KEYID];
	uint8_t oldest[SIGN_KEYID];
	uint64_t first = 0;

	(void)state;
	for (int i = 0; i < SIGN_KEYS + KEYS_OLD + 1; i++) {
		make("often", id);
		keys_read();
		if (i == 0) {
			memcpy(oldest, id, sizeof id);
			first = keys_generation();
		}
		assert_int_equal(listed(), 1);
	}
	assert_null(keys_find(oldest, first));
	assert_non_null(keys_find(id, first));
	drop("often");
	keys_read();
	keys_forget(keys_generation());
	assert_null(keys_find(id, first));
}

static int begin(void **state)
{
	char path[LIMIT_PATH];

	(void)state;
	prog_init("test_keys");
	if (mkdtemp(home) == NULL || paths_under(home) == -1)
		return -1;
	(void)snprintf(path, sizeof path, "%s/control", home);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof path, "%s/control/tls", home);
	return mkdir(path, 0700);
}

static int end(void **state)
{
	char path[LIMIT_PATH];

	(void)state;
	(void)snprintf(path, sizeof path, "%s/control/tls", home);
	(void)rmdir(path);
	(void)snprintf(path, sizeof path, "%s/control", home);
	(void)rmdir(path);
	return rmdir(home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_generations),
	    cmocka_unit_test(test_unchanged),
	    cmocka_unit_test(test_bounded),
	};

	/* A line for each reading is of no use here. */
	(void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), 2);
	return cmocka_run_group_tests(tests, begin, end);
}
