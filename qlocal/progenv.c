#include "progenv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"

static const char shellshock[] = "() {";

void progenv_free(struct progenv *e)
{
	for (size_t i = 0; i < e->n; i++)
		free(e->vars[i]);
	e->n = 0;
	e->vars[0] = NULL;
}

static int put_n(struct progenv *e, const char *name, const char *value, size_t n)
{
	size_t size = strlen(name) + n + 2;
	char *var;

	if (n >= sizeof shellshock - 1 &&
	    memcmp(value, shellshock, sizeof shellshock - 1) == 0)
		return 0;
	var = e->n < PROGENV_MAX ? malloc(size) : NULL;
	if (var == NULL) {
		errno = ENOMEM;
		return -1;
	}
	(void)snprintf(var, size, "%s=%.*s", name, (int)n, value);
	e->vars[e->n++] = var;
	e->vars[e->n] = NULL;
	return 0;
}

static int put(struct progenv *e, const char *name, const char *value)
{
	return put_n(e, name, value, strlen(value));
}

/* HOST2 is HOST before its last dot, HOST3 before the last but one, … */
static int put_hosts(struct progenv *e, const char *host)
{
	static const char *const names[] = {"HOST2", "HOST3", "HOST4"};
	size_t n = strlen(host);

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		while (n > 0 && host[n - 1] != '.')
			n--;
		n -= n > 0;
		if (put_n(e, names[i], host, n) == -1)
			return -1;
	}
	return 0;
}

/* EXT2 is EXT behind its first dash, … */
static int put_exts(struct progenv *e, const char *ext)
{
	static const char *const names[] = {"EXT2", "EXT3", "EXT4"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		ext += strcspn(ext, "-");
		ext += *ext == '-';
		if (put(e, names[i], ext) == -1)
			return -1;
	}
	return 0;
}

static int put_path(struct progenv *e)
{
	char path[LIMIT_PATH + 64];

	(void)snprintf(path, sizeof path, "%s:/usr/local/bin:/usr/bin:/bin", paths.bin);
	return put(e, "PATH", path);
}

/* As in a queue file (qfile.h): for forward and condredirect. */
int progenv_asked(struct progenv *e, const struct asked *a)
{
	char notify[4];

	if ((*a->envid != '\0' && put(e, "DSNENVID", a->envid) == -1) ||
	    (*a->ret != '\0' && put(e, "DSNRET", a->ret) == -1) ||
	    (*a->orcpt != '\0' && put(e, "DSNORCPT", a->orcpt) == -1))
		return -1;
	if (a->notify == 0)
		return 0;
	return put(e, "DSNNOTIFY", notify_text(a->notify, notify));
}

int progenv_make(struct progenv *e, const struct delivery *d, const char *user,
		 const char *home, const char *newsender, const char *matched)
{
	const char *const pairs[][2] = {
	    {"SENDER", d->l.job.sender},
	    {"NEWSENDER", newsender},
	    {"RECIPIENT", d->to},
	    {"USER", user},
	    {"HOME", home},
	    {"LOCAL", d->local},
	    {"HOST", d->host},
	    {"EXT", d->l.ext},
	    {"RPLINE", d->returnpath},
	    {"DTLINE", d->deliveredto},
	    {"UFLINE", d->fromline},
	};

	e->n = 0;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (put(e, pairs[i][0], pairs[i][1]) == -1)
			return -1;
	if (matched != NULL && put(e, "DEFAULT", matched) == -1)
		return -1;
	if (put_hosts(e, d->host) == -1 || put_exts(e, d->l.ext) == -1)
		return -1;
	return put_path(e);
}
