/* Certificates and keys, control/tls: are they there, whose are they, do they fit, and
 * for how long. Looked at by openssl(1). */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "control.h"
#include "finding.h"
#include "openssl.h"
#include "paths.h"

/* What makes a certificate for NAME; "default" goes by the host's name. */
static void remedy_self(const char *name)
{
	char *me = NULL;

	if (strcmp(name, "default") == 0 && control_line("me", &me) == 1)
		name = me;
	remedy("qctl cert self %s   (a real one, or its renewal: man qctl-cert)", name);
	free(me);
}

#define SOON "1209600" /* seconds: two weeks */

/* A plain file in control/tls/NAME: 1 with path and *st, or 0 and it was said why. */
static int is_there(const char *name, const char *file, char path[LIMIT_PATH],
		    struct stat *st)
{
	if (snprintf(path, LIMIT_PATH, "%s/tls/%s/%s", paths.control, name, file) >=
	    LIMIT_PATH)
		return 0;
	if (stat(path, st) == -1) {
		problem("control/tls/%s/%s: %s", name, file, strerror(errno));
		remedy_self(name);
		return 0;
	}
	if (!S_ISREG(st->st_mode)) {
		problem("control/tls/%s/%s is not a plain file", name, file);
		return 0;
	}
	return 1;
}

static void check_key_mode(const char *name, const char *path, const struct stat *st)
{
	long group = number_of("quoink", 1);

	if (st->st_mode & 07) {
		problem("control/tls/%s/key.pem can be read by others", name);
		remedy("chmod o= %s", path);
	}
	if (group != -1 && geteuid() == 0 &&
	    ((long)st->st_gid != group || !(st->st_mode & 040))) {
		problem("control/tls/%s/key.pem cannot be read by qtls-key", name);
		remedy("chown root:%ld %s && chmod 640 %s", group, path, path);
	}
}

static void check_time(const char *name, const char *cert)
{
	const char *now[] = {"x509", "-in", cert, "-noout", "-checkend", "0", NULL};
	const char *soon[] = {"x509", "-in", cert, "-noout", "-checkend", SOON, NULL};
	char out[LIMIT_OPENSSL];

	if (openssl_run(now, out) == 1) {
		problem("control/tls/%s: the certificate has expired", name);
		remedy_self(name);
	} else if (openssl_run(soon, out) == 1)
		note("control/tls/%s: the certificate expires within two weeks", name);
}

static void check_pair(const char *name, const char *cert, const char *key)
{
	const char *of_cert[] = {"x509", "-in", cert, "-noout", "-pubkey", NULL};
	const char *of_key[] = {"pkey", "-in", key, "-pubout", "-passin", "pass:", NULL};
	static char a[LIMIT_OPENSSL], b[LIMIT_OPENSSL];

	if (access(key, R_OK) == -1) {
		note("%s: cannot look at it; ask as root", key);
		return;
	}
	if (openssl_run(of_key, b) != 0) {
		problem("control/tls/%s/key.pem is no private key, or has a passphrase",
			name);
		remedy("openssl pkey -in %s", key);
	} else if (openssl_run(of_cert, a) == 0 && strcmp(a, b) != 0) {
		problem("control/tls/%s: key.pem is not the key of cert.pem", name);
		remedy_self(name);
	}
}

static void check_certificate(const char *name)
{
	char cert[LIMIT_PATH], key[LIMIT_PATH], out[LIMIT_OPENSSL];
	const char *parse[] = {"x509", "-in", cert, "-noout", NULL};
	struct stat st;

	if (!is_there(name, "key.pem", key, &st))
		return;
	check_key_mode(name, key, &st);
	if (!is_there(name, "cert.pem", cert, &st))
		return;
	switch (openssl_run(parse, out)) {
	case 0:
		check_time(name, cert);
		check_pair(name, cert, key);
		break;
	case -1:
		note("openssl cannot be run: certificates are not looked at");
		break;
	default:
		problem("control/tls/%s/cert.pem is no certificate", name);
		remedy("openssl x509 -in %s", cert);
	}
}

/* A link to another name's directory: it is looked at there. */
static int is_alias(const char *name)
{
	char path[LIMIT_PATH], to[LIMIT_PATH];
	ssize_t n;

	if (snprintf(path, sizeof path, "%s/tls/%s", paths.control, name) >=
	    (int)sizeof path)
		return 0;
	n = readlink(path, to, sizeof to - 1);
	return n > 0 && to[0] != '.' && memchr(to, '/', (size_t)n) == NULL;
}

static int is_name(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

void check_tls(void)
{
	char path[LIMIT_PATH];
	struct dirent **names;
	int n, has_default = 0;

	if (!path_join(path, sizeof path, paths.control, "tls"))
		return;
	n = scandir(path, &names, is_name, alphasort);
	if (n == -1)
		return; /* check_modes has said it */
	for (int i = 0; i < n; i++) {
		has_default |= strcmp(names[i]->d_name, "default") == 0;
		if (!is_alias(names[i]->d_name))
			check_certificate(names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (!has_default) {
		problem("control/tls/default does not exist: no STARTTLS, and nobody can "
			"submit mail with a password");
		remedy_self("default");
	}
}
