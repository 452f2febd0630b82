/* Control files: their names, modes and line ends, and what they say of domains. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "control.h"
#include "ctlmap.h"
#include "finding.h"
#include "paths.h"

static int ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* Is there a sample of it? A compiled table goes by its text's name. */
static int is_known(const char *name)
{
	char dir[LIMIT_PATH], path[LIMIT_PATH], stem[NAME_MAX + 1];
	size_t n = strlen(name);

	if (ends_with(name, ".cdb"))
		n -= 4;
	if (n > NAME_MAX)
		return 0;
	memcpy(stem, name, n);
	stem[n] = '\0';
	return path_join(dir, sizeof dir, paths.bin, "house/samples") &&
	       path_join(path, sizeof path, dir, stem) && access(path, F_OK) == 0;
}

/* Does a line end with CR LF? 1, 0, or -1 with errno. */
static int has_crlf(const char *path)
{
	char buf[4096], last = 0;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int found = 0;

	if (fd == -1)
		return -1;
	while (!found && (n = read(fd, buf, sizeof buf)) > 0)
		for (ssize_t i = 0; i < n && !found; i++) {
			found = last == '\r' && buf[i] == '\n';
			last = buf[i];
		}
	(void)close(fd);
	return found;
}

static void check_file(const char *name)
{
	char path[LIMIT_PATH];
	struct stat st;

	if (!path_join(path, sizeof path, paths.control, name) || stat(path, &st) == -1)
		return;
	if (S_ISDIR(st.st_mode) && strcmp(name, "tls") == 0)
		return; /* check_tls looks there */
	if (!S_ISREG(st.st_mode)) {
		problem("control/%s is not a plain file", name);
		return;
	}
	if (!is_known(name)) {
		problem("control/%s is not read by anything", name);
		remedy("man quoin-control   (all names)");
	}
	if (st.st_mode & 022) {
		problem("control/%s can be written by others than its owner", name);
		remedy("chmod go-w %s", path);
	}
	if (!(st.st_mode & 04) && !is_secret(name)) {
		problem("control/%s cannot be read by Quoin's programs", name);
		remedy("chmod a+r %s", path);
	}
	if (!ends_with(name, ".cdb") && has_crlf(path) == 1) {
		problem("control/%s has CR LF line ends", name);
		remedy("sed -i 's/\\r$//' %s", path);
	}
}

static int is_file(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return e->d_name[0] != '.' && e->d_name[n - 1] != '~';
}

void check_control(void)
{
	struct dirent **names;
	int n = scandir(paths.control, &names, is_file, alphasort);

	if (n == -1) {
		problem("%s: %s", paths.control, strerror(errno));
		return;
	}
	for (int i = 0; i < n; i++) {
		check_file(names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

static void check_me(void)
{
	char *me = NULL;
	int r = control_line("me", &me);

	if (r == -1)
		problem("%s", control_error());
	else if (r == 0) {
		problem("control/me does not exist: no program starts without it");
		remedy("hostname -f > %s/me", paths.control);
	} else if (!strchr(me, '.') || ends_with(me, ".localdomain")) {
		problem("control/me: %s is not a full host name; other hosts will "
			"not take mail from it",
			me);
		remedy("echo mail.example.com > %s/me", paths.control);
	}
	free(me);
}

static struct ctlmap *load(const char *name, int flags)
{
	struct ctlmap *m = ctlmap_load(name, flags);

	if (!m)
		problem("%s", control_error());
	return m;
}

/* Is domain taken by rcpthosts, as it stands or by a .parent line? */
static int is_accepted(const struct ctlmap *hosts, const char *domain)
{
	if (ctlmap_get(hosts, domain, NULL, NULL))
		return 1;
	for (const char *p = strchr(domain, '.'); p; p = strchr(p + 1, '.'))
		if (ctlmap_get(hosts, p, NULL, NULL))
			return 1;
	return 0;
}

static void check_local(const struct ctlmap *locals, const struct ctlmap *virtuals,
			const struct ctlmap *hosts)
{
	const char *key, *value;
	unsigned line, at;

	for (size_t i = 0; ctlmap_at(locals, i, &key, &value, &line); i++) {
		if (virtuals && ctlmap_get(virtuals, key, &at, NULL)) {
			problem("control/virtualdomains line %u: %s is in locals too, "
				"which wins",
				at, key);
			remedy("sed -i %ud %s/virtualdomains", at, paths.control);
		}
		if (hosts && !is_accepted(hosts, key)) {
			problem("control/locals: %s is not in rcpthosts: qsmtpd refuses "
				"its mail",
				key);
			remedy("echo %s >> %s/rcpthosts", key, paths.control);
		}
	}
}

void check_domains(void)
{
	char path[LIMIT_PATH];
	struct ctlmap *locals, *virtuals, *hosts = NULL;

	check_me();
	if (path_join(path, sizeof path, paths.control, "me") && access(path, R_OK) == -1)
		return;
	if (path_join(path, sizeof path, paths.control, "rcpthosts") &&
	    access(path, F_OK) == 0)
		hosts = load("rcpthosts", 0);
	else
		note("no control/rcpthosts: qsmtpd takes mail for me and locals only");
	locals = load("locals", CTLMAP_ME);
	virtuals = load("virtualdomains", CTLMAP_COLON);
	if (locals)
		check_local(locals, virtuals, hosts);
	if (path_join(path, sizeof path, paths.control, "percenthack") &&
	    access(path, F_OK) == 0)
		note("control/percenthack: user%%host@domain goes on to host; spammers "
		     "try it");
	if (locals)
		ctlmap_free(locals);
	if (virtuals)
		ctlmap_free(virtuals);
	if (hosts)
		ctlmap_free(hosts);
}
