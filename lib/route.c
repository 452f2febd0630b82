#include "ascii.h"
#include "route_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "control.h"
#include "ctlmap.h"
#include "relay.h"

struct route {
	char *envnoathost;
	char *localiphost;
	struct ctlmap *percenthack;
	struct ctlmap *locals;
	struct ctlmap *virtualdomains;
	struct ctlmap *smtproutes;
};

static char error[LIMIT_PATH + 256];

const char *route_error(void)
{
	return error;
}

int route_fail(int e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(error, sizeof error, fmt, ap);
	va_end(ap);
	errno = e;
	return -1;
}

void route_say(const struct watch *w, const char *fmt, ...)
{
	char text[2 * LIMIT_ADDRESS + LIMIT_ROUTE];
	va_list ap;

	if (w->trace == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	w->trace(w->arg, text);
}

void route_lower(char *s)
{
	ascii_copy_lower(s, s, strlen(s));
}

/* ---- the control files ---- */

static int check_smtproutes(const struct ctlmap *m)
{
	char relay[LIMIT_ROUTE + 1];
	const char *key;
	const char *value;
	unsigned line;

	for (size_t i = 0; ctlmap_at(m, i, &key, &value, &line); i++)
		if (relay_parse(value, relay) == -1)
			return control_wrong("smtproutes", line, relay_usage);
	return 0;
}

/* The prepended part and the dash must leave room for an address. */
static int check_virtualdomains(const struct ctlmap *m)
{
	const char *key;
	const char *value;
	unsigned line;

	for (size_t i = 0; ctlmap_at(m, i, &key, &value, &line); i++) {
		if (strlen(value) > LIMIT_LOCAL)
			return control_wrong("virtualdomains", line,
					     "the prepended part is too long");
		if (strpbrk(value, " \t@") != NULL)
			return control_wrong("virtualdomains", line,
					     "a blank or @ in the prepended part");
	}
	return 0;
}

static int load(struct route *r)
{
	if (control_line_or_me("envnoathost", &r->envnoathost) != 1 ||
	    control_line_or_me("localiphost", &r->localiphost) != 1)
		return -1;
	r->percenthack = ctlmap_load("percenthack", 0);
	r->locals = ctlmap_load("locals", CTLMAP_ME);
	r->virtualdomains = ctlmap_load("virtualdomains", CTLMAP_COLON);
	r->smtproutes = ctlmap_load("smtproutes", CTLMAP_COLON);
	if (r->percenthack == NULL || r->locals == NULL || r->virtualdomains == NULL ||
	    r->smtproutes == NULL)
		return -1;
	if (check_virtualdomains(r->virtualdomains) == -1)
		return -1;
	return check_smtproutes(r->smtproutes);
}

struct route *route_load(void)
{
	struct route *r = calloc(1, sizeof *r);

	if (r == NULL || route_own_load() == -1) {
		(void)route_fail(errno, "unable to list this host's addresses: %s",
				 strerror(errno));
		free(r);
		return NULL;
	}
	if (load(r) == 0)
		return r;
	(void)route_fail(errno, "%s",
			 errno == ENOMEM ? strerror(ENOMEM) : control_error());
	route_free(r);
	return NULL;
}

void route_free(struct route *r)
{
	int e = errno;

	if (r == NULL)
		return;
	free(r->envnoathost);
	free(r->localiphost);
	ctlmap_free(r->percenthack);
	ctlmap_free(r->locals);
	ctlmap_free(r->virtualdomains);
	ctlmap_free(r->smtproutes);
	free(r);
	errno = e;
}

/* ---- an address ---- */

/* to->address is being worked on; at divides it. */
struct work {
	const struct route *r;
	struct route_to *to;
	struct watch w;
	char *at;
};

static int no_address(const char *why)
{
	return route_fail(EINVAL, "not an address: %s", why);
}

/* No domain: envnoathost. */
static int take_address(struct work *k, const char *rcpt)
{
	char *p = k->to->address;
	size_t n = strlen(rcpt);

	if (n > LIMIT_ADDRESS)
		return no_address("too long");
	memcpy(p, rcpt, n + 1);
	k->at = strrchr(p, '@');
	if (k->at == NULL) {
		size_t h = strlen(k->r->envnoathost);

		if (n + 1 + h > LIMIT_ADDRESS)
			return no_address("too long");
		k->at = p + n;
		*k->at = '@';
		memcpy(k->at + 1, k->r->envnoathost, h + 1);
		route_say(&k->w, "control/envnoathost: no domain: %s", p);
	}
	return 0;
}

static int check_domain(struct work *k)
{
	char *domain = k->at + 1;
	size_t n = strlen(domain);

	if (n > 0 && domain[n - 1] == '.')
		domain[--n] = '\0';
	if (k->at == k->to->address || n == 0 || n > LIMIT_DOMAIN)
		return no_address("no local part, no domain, or too long a one");
	return 0;
}

static void undo_percent(struct work *k)
{
	unsigned line;

	while (ctlmap_get(k->r->percenthack, k->at + 1, &line, NULL) != NULL) {
		char *percent;

		*k->at = '\0';
		percent = strrchr(k->to->address, '%');
		if (percent == NULL || percent == k->to->address || percent[1] == '\0') {
			*k->at = '@';
			return;
		}
		*percent = '@';
		k->at = percent;
		route_say(&k->w, "control/percenthack line %u: %s", line, k->to->address);
	}
}

static int own_literal(struct work *k)
{
	size_t room = LIMIT_ADDRESS - (size_t)(k->at + 1 - k->to->address);

	if (!route_own_literal(k->at + 1))
		return 0;
	if (strlen(k->r->localiphost) > room)
		return no_address("too long");
	route_say(&k->w, "control/localiphost: %s is this host: %s", k->at + 1,
		  k->r->localiphost);
	memcpy(k->at + 1, k->r->localiphost, strlen(k->r->localiphost) + 1);
	return 0;
}

static int is_local(struct work *k)
{
	const char *file;
	unsigned line;

	if (ctlmap_get(k->r->locals, k->at + 1, &line, &file) == NULL)
		return 0;
	route_say(&k->w, "control/%s line %u: %s is local", file, line, k->at + 1);
	k->to->kind = ROUTE_LOCAL;
	memcpy(k->to->local, k->to->address, (size_t)(k->at - k->to->address));
	k->to->local[k->at - k->to->address] = '\0';
	return 1;
}

/* The domain, its parents with their dot, and "": the keys of a table of domains. */
static const char *next_parent(const char *key)
{
	const char *dot;

	if (*key == '\0')
		return NULL;
	dot = strchr(key + 1, '.');
	return dot != NULL ? dot : key + strlen(key);
}

static const char *find_domain(const struct ctlmap *m, const char *domain,
			       const char **key, unsigned *line)
{
	for (*key = domain; *key != NULL; *key = next_parent(*key)) {
		const char *value = ctlmap_get(m, *key, line, NULL);

		if (value != NULL)
			return value;
	}
	return NULL;
}

/* 1 virtual, 0 not (or an exception: the prepended part is empty), -1. */
static int is_virtual(struct work *k)
{
	const char *key = k->to->address;
	size_t n = (size_t)(k->at - k->to->address);
	unsigned line;
	const char *prepend = ctlmap_get(k->r->virtualdomains, key, &line, NULL);

	if (prepend == NULL)
		prepend = find_domain(k->r->virtualdomains, k->at + 1, &key, &line);
	if (prepend == NULL)
		return 0;
	if (*prepend == '\0') {
		route_say(&k->w, "control/virtualdomains line %u: \"%s\" is an exception",
			  line, key);
		return 0;
	}
	if (strlen(prepend) + 1 + n > LIMIT_ADDRESS)
		return no_address("too long with its prepended part");
	(void)snprintf(k->to->local, sizeof k->to->local, "%s-%.*s", prepend, (int)n,
		       k->to->address);
	k->to->kind = ROUTE_LOCAL;
	route_say(&k->w, "control/virtualdomains line %u: \"%s\" belongs to %s: %s", line,
		  key, prepend, k->to->local);
	return 1;
}

/* Each way to go on, in words. */
static void say_relay(const struct work *k, unsigned line)
{
	const char *refusal = relay_error(k->to->relay);

	if (refusal != NULL)
		route_say(&k->w, "control/smtproutes line %u: refused: %s", line,
			  refusal);
	else if (k->to->relay[0] == '\0')
		route_say(&k->w, "control/smtproutes line %u: by the MX of %s", line,
			  k->to->domain);
	else
		route_say(&k->w, "control/smtproutes line %u: remote: to %s%s", line,
			  k->to->relay,
			  strchr(k->to->relay, '/') != NULL ? " (/: in random order)"
							    : "");
}

static void find_relay(struct work *k)
{
	const char *key;
	unsigned line;
	const char *value = find_domain(k->r->smtproutes, k->to->domain, &key, &line);

	k->to->kind = ROUTE_REMOTE;
	if (value == NULL) {
		route_say(&k->w, "remote: by the MX of %s", k->to->domain);
		return;
	}
	(void)relay_parse(value, k->to->relay); /* good since route_load() */
	say_relay(k, line);
}

int route_address(const struct route *r, const char *rcpt, struct route_to *to,
		  route_trace *trace, void *arg)
{
	struct work k = {.r = r, .to = to, .w = {trace, arg}, .at = to->address};
	int v;

	memset(to, 0, sizeof *to);
	if (take_address(&k, rcpt) == -1 || check_domain(&k) == -1)
		return -1;
	undo_percent(&k);
	if (check_domain(&k) == -1 || own_literal(&k) == -1 || check_domain(&k) == -1)
		return -1;
	(void)snprintf(to->domain, sizeof to->domain, "%s", k.at + 1);
	route_lower(to->domain);
	if (is_local(&k))
		return 0;
	v = is_virtual(&k);
	if (v == 0)
		find_relay(&k);
	return v == -1 ? -1 : 0;
}
