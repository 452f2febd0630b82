#include "keyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "keyid.h"
#include "prog.h"
#include "sign.h"

static char error[512];

const char *keyfile_error(void)
{
	return error;
}

static int fail(const char *name, const char *file, const char *why)
{
	(void)snprintf(error, sizeof error, "control/tls/%s%s%s: %s", name,
		       *file != '\0' ? "/" : "", file, why);
	ERR_clear_error();
	return -1;
}

/* ---- files ---- */

static uint8_t buf[KEYFILE_MAX + 1];
static size_t filled; /* the most that was ever in it */

static ssize_t read_all(int fd)
{
	size_t len = 0;
	ssize_t r;

	while ((r = read(fd, buf + len, sizeof buf - len)) > 0) {
		len += (size_t)r;
		filled = len > filled ? len : filled;
	}
	if (r == 0 && len < sizeof buf)
		return (ssize_t)len;
	if (r == 0)
		errno = EFBIG;
	return -1;
}

/* A pipe or a device in its place must not hold us up. */
static ssize_t read_file(int dir, const char *file, struct stat *st)
{
	int fd = openat(dir, file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = -1;
	int e;

	if (fd == -1 || fstat(fd, st) == -1)
		e = errno;
	else if (!S_ISREG(st->st_mode))
		e = EINVAL;
	else {
		n = read_all(fd);
		e = errno;
	}
	if (fd != -1)
		(void)close(fd);
	errno = e;
	return n;
}

/* Pages that no file has reached stay untouched. */
static void wipe(void)
{
	explicit_bzero(buf, filled);
}

static BIO *open_pem(int dir, const char *file, struct stat *st)
{
	ssize_t n = read_file(dir, file, st);

	return n == -1 ? NULL : BIO_new_mem_buf(buf, (int)n);
}

static X509 *read_cert(int dir, const char *name)
{
	struct stat st;
	BIO *pem = open_pem(dir, "cert.pem", &st);
	X509 *cert;

	if (pem == NULL) {
		(void)fail(name, "cert.pem", strerror(errno));
		return NULL;
	}
	cert = PEM_read_bio_X509(pem, NULL, NULL, NULL);
	BIO_free(pem);
	if (cert == NULL)
		(void)fail(name, "cert.pem", "there is no certificate in it (PEM)");
	return cert;
}

static int no_passphrase(char *to, int size, int rw, void *was_asked)
{
	(void)to;
	(void)size;
	(void)rw;
	*(int *)was_asked = 1;
	return -1;
}

static EVP_PKEY *read_key(int dir, const char *name)
{
	int was_asked = 0;
	struct stat st;
	BIO *pem = open_pem(dir, "key.pem", &st);
	EVP_PKEY *key;

	if (pem == NULL) {
		(void)fail(name, "key.pem", strerror(errno));
		wipe();
		return NULL;
	}
	if (st.st_mode & S_IROTH)
		warn_msg("control/tls/%s/key.pem: everybody can read it", name);
	key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, &was_asked);
	BIO_free(pem);
	wipe();
	if (key == NULL)
		(void)fail(name, "key.pem",
			   was_asked ? "it is encrypted; there is nobody to ask"
				     : "there is no private key in it (PEM)");
	return key;
}

/* ---- both ---- */

static int check(const char *name, X509 *cert, EVP_PKEY *key,
		 int (*is_tried)(const uint8_t id[SIGN_KEYID]), uint8_t id[SIGN_KEYID])
{
	EVP_PKEY *public = X509_get0_pubkey(cert);
	const char *why = sign_unfit(key);

	if (why != NULL)
		return fail(name, "key.pem", why);
	if (public == NULL || EVP_PKEY_eq(public, key) != 1)
		return fail(name, "", "cert.pem is not of the key in key.pem");
	if (keyid_of(cert, id) == -1)
		return fail(name, "cert.pem", "its key has no name");
	if (!is_tried(id) && sign_check(key, public) == -1)
		return fail(name, "key.pem", "what the key signs is not verified");
	return 0;
}

static int load(int dir, const char *name, int (*is_tried)(const uint8_t id[SIGN_KEYID]),
		EVP_PKEY **key, uint8_t id[SIGN_KEYID])
{
	X509 *cert = read_cert(dir, name);
	int r = -1;

	*key = NULL;
	if (cert != NULL && (*key = read_key(dir, name)) != NULL)
		r = check(name, cert, *key, is_tried, id);
	if (r == -1) {
		EVP_PKEY_free(*key);
		*key = NULL;
	}
	X509_free(cert);
	return r;
}

int keyfile_load(int tls, const char *name, int (*is_tried)(const uint8_t id[SIGN_KEYID]),
		 EVP_PKEY **key, uint8_t id[SIGN_KEYID])
{
	int dir = openat(tls, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (dir == -1)
		return fail(name, "", strerror(errno));
	r = load(dir, name, is_tried, key, id);
	(void)close(dir);
	return r;
}
