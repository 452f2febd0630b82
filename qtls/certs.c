#include "certs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "ascii.h"
#include "paths.h"
#include "prog.h"
#include "provider.h"
#include "role.h"

static struct cert certs[CERTS_MAX];
static size_t ncerts;
static uint8_t missing[CERTS_MAX][SIGN_KEYID];
static size_t nmissing;

static int is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_';
}

void certs_name(char out[LIMIT_DOMAIN + 1], const char *name)
{
	size_t n = 0;

	for (; n <= LIMIT_DOMAIN && name[n] != '\0'; n++) {
		out[n] = ascii_lower(name[n]);
		if (n == LIMIT_DOMAIN || !is_name_byte(out[n])) {
			out[0] = '\0';
			return;
		}
	}
	out[n] = '\0';
	if (out[0] == '.')
		out[0] = '\0';
}

/* ---- one file ---- */

/* An encrypted file must not stop us by a question. */
static int no_password(char *buf, int size, int rw, void *arg)
{
	(void)buf;
	(void)size;
	(void)rw;
	(void)arg;
	return -1;
}

static int read_chain(FILE *f, struct cert *c)
{
	X509 *next;

	c->chain = sk_X509_new_null();
	if (c->chain == NULL)
		return -1;
	while (sk_X509_num(c->chain) < CHAIN_MAX &&
	       (next = PEM_read_X509(f, NULL, no_password, NULL)) != NULL)
		if (sk_X509_push(c->chain, next) == 0)
			return -1;
	ERR_clear_error(); /* the end of the file */
	return 0;
}

static void drop(struct cert *c)
{
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	memset(c, 0, sizeof *c);
}

/* A pipe or a device in its place must not hold us up. */
static FILE *open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	FILE *f = NULL;
	int e;

	if (fd == -1)
		return NULL;
	errno = EINVAL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		f = fdopen(fd, "r");
	e = errno;
	if (f == NULL)
		(void)close(fd);
	errno = e;
	return f;
}

static int read_file(const char *path, struct cert *c)
{
	FILE *f = open_file(path);

	if (f == NULL) {
		warn_sys2("read", path);
		return -1;
	}
	c->leaf = PEM_read_X509(f, NULL, no_password, NULL);
	if (c->leaf == NULL || read_chain(f, c) == -1) {
		warn_msg("unable to read %s: %s", path, role_error());
		(void)fclose(f);
		return -1;
	}
	(void)fclose(f);
	return 0;
}

static int take_key(const char *path, struct cert *c, const struct keyask_list *keys)
{
	uint8_t id[SIGN_KEYID];

	c->key = provider_key(c->leaf);
	if (c->key == NULL || keyid_of(c->leaf, id) == -1) {
		warn_msg("unable to use %s: %s", path, role_error());
		return -1;
	}
	if (keyask_has(keys, id))
		return 0;
	warn_msg("unable to use %s: qtls-key has no key for it", path);
	if (nmissing < CERTS_MAX)
		memcpy(missing[nmissing++], id, sizeof id);
	return -1;
}

static void load(const char *name, const struct keyask_list *keys)
{
	struct cert *c = &certs[ncerts];
	char path[LIMIT_PATH];
	char lower[LIMIT_DOMAIN + 1];
	int n = snprintf(path, sizeof path, "%s/tls/%s/cert.pem", paths.control, name);

	certs_name(lower, name);
	if (lower[0] == '\0' || strcmp(lower, name) != 0 || n < 0 ||
	    (size_t)n >= sizeof path) {
		warn_msg("control/tls/%s is no name in lower case; it is not used", name);
		return;
	}
	if (read_file(path, c) == -1 || take_key(path, c, keys) == -1) {
		drop(c);
		return;
	}
	memcpy(c->name, lower, sizeof lower);
	ncerts++;
}

/* ---- the directory ---- */

static const struct cert *find(const char *name)
{
	for (size_t i = 0; i < ncerts; i++)
		if (strcmp(certs[i].name, name) == 0)
			return &certs[i];
	return NULL;
}

static int is_ours(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

size_t certs_load(const struct keyask_list *keys, size_t *without)
{
	char path[LIMIT_PATH];
	struct dirent **names;
	int n;

	if (path_join(path, sizeof path, paths.control, "tls") == NULL ||
	    (n = scandir(path, &names, is_ours, alphasort)) == -1) {
		warn_sys2("read", path);
		return 0;
	}
	for (int i = 0; i < n; i++) {
		if (ncerts < CERTS_MAX)
			load(names[i]->d_name, keys);
		else
			warn_msg("control/tls/%s is one too many", names[i]->d_name);
		free(names[i]);
	}
	free(names);
	*without = nmissing;
	if (ncerts > 0 && find("default") == NULL)
		warn_msg("there is no control/tls/default; unknown names get %s",
			 certs[0].name);
	return ncerts;
}

int certs_have_come(const struct keyask_list *keys)
{
	for (size_t i = 0; i < nmissing; i++)
		if (keyask_has(keys, missing[i]))
			return 1;
	return 0;
}

const struct cert *certs_find(const char *name)
{
	char lower[LIMIT_DOMAIN + 1] = "";
	const struct cert *c = NULL;

	if (name != NULL)
		certs_name(lower, name);
	if (lower[0] != '\0')
		c = find(lower);
	if (c == NULL)
		c = find("default");
	return c != NULL || ncerts == 0 ? c : &certs[0];
}
