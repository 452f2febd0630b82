#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "ctlmap.h"
#include "num.h"
#include "paths.h"

enum { RCPTS_USUAL = 1000, TIMEOUT_USUAL = 1200, TIMEOUT_MAX = 86400 };

static char error[LIMIT_PATH + 128];

const char *config_error(void)
{
	return error[0] != '\0' ? error : control_error();
}

static int fail(const char *what)
{
	(void)snprintf(error, sizeof error, "%s: %s", what, strerror(errno));
	return -1;
}

/* A file that is not there means what control/me says. */
static int load_or_me(const struct config *c, const char *name, char **line)
{
	int r = control_line(name, line);

	if (r == 0)
		*line = c->me;
	return r;
}

static int load_names(struct config *c)
{
	size_t n;

	if (control_line_or_me("me", &c->me) == -1 ||
	    load_or_me(c, "smtpgreeting", &c->greeting) == -1 ||
	    load_or_me(c, "localiphost", &c->literal_host) == -1)
		return -1;
	n = strcspn(c->greeting, " \t");
	if (n > LIMIT_DOMAIN)
		n = LIMIT_DOMAIN;
	memcpy(c->host, c->greeting, n);
	c->host[n] = '\0';
	return 0;
}

static int load_map(struct ctlmap **m, const char *name, int flags)
{
	*m = ctlmap_load(name, flags);
	return *m != NULL ? 0 : -1;
}

static int is_empty(const struct ctlmap *m)
{
	const char *key;
	const char *value;
	unsigned line;

	return ctlmap_at(m, 0, &key, &value, &line) == 0;
}

static int open_table(struct table *t, const char *name, int *has)
{
	char path[LIMIT_PATH];

	*has = -1;
	if (path_join(path, sizeof path, paths.control, name) != NULL)
		*has = table_open(t, path);
	return *has == -1 ? fail(name) : 0;
}

/* Without rcpthosts we take mail for ourselves alone, where qmail relays for all. */
static int load_domains(struct config *c)
{
	if (load_map(&c->rcpthosts, "rcpthosts", 0) == -1)
		return -1;
	if (is_empty(c->rcpthosts) && load_map(&c->locals, "locals", CTLMAP_ME) == -1)
		return -1;
	return open_table(&c->morercpthosts, "morercpthosts.cdb", &c->has_more);
}

/* A switch: the file is there, and not empty. */
static int has_line(const char *name)
{
	char *line = NULL;
	int r = control_line(name, &line);

	free(line);
	return r;
}

static int load_aliases(struct config *c)
{
	int r = has_line("expn");

	if (r != 1)
		return r;
	return open_table(&c->aliases, "aliases.cdb", &c->has_aliases);
}

/* Who may send as whom, and what is written into what they send. */
static int load_submission(struct config *c)
{
	if (!c->submission)
		return 0;
	if (load_or_me(c, "idhost", &c->idhost) == -1 ||
	    load_map(&c->own_domains, "locals", CTLMAP_ME) == -1 ||
	    open_table(&c->senders, "senders.cdb", &c->has_senders) == -1)
		return -1;
	c->hide_client = has_line("hideclient");
	return c->hide_client == -1 ? -1 : 0;
}

static int load_numbers(struct config *c)
{
	uint64_t timeout = TIMEOUT_USUAL;

	c->maxrcpt = RCPTS_USUAL;
	if (control_num("timeoutsmtpd", TIMEOUT_MAX, &timeout) == -1 ||
	    control_num("maxrcpt", LIMIT_RECIPIENTS, &c->maxrcpt) == -1 ||
	    control_num("databytes", LIMIT_MESSAGE, &c->databytes) == -1)
		return -1;
	c->timeout_ms = (int64_t)timeout * 1000;
	return 0;
}

int config_load(struct config *c)
{
	if (load_names(c) == -1 || load_domains(c) == -1 || load_numbers(c) == -1 ||
	    load_map(&c->badmailfrom, "badmailfrom", 0) == -1 || load_aliases(c) == -1 ||
	    open_table(&c->keys, "relaykeys.cdb", &c->has_keys) == -1 ||
	    load_submission(c) == -1)
		return -1;
	c->no_dsn = has_line("nodsn");
	return c->no_dsn == -1 ? -1 : 0;
}

int config_for_client(struct config *c)
{
	const char *bytes = getenv("DATABYTES");

	if (bytes != NULL && num_parse(bytes, LIMIT_MESSAGE, &c->databytes) == -1)
		return fail("DATABYTES in the environment");
	if (c->databytes == 0)
		c->databytes = LIMIT_MESSAGE;
	if (getenv("NODSN") != NULL)
		c->no_dsn = 1;
	if (getenv("RELAYCLIENT") == NULL)
		c->has_aliases = 0;
	return 0;
}
