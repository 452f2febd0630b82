#include "demand.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "dns.h"

static struct dns_answer tlsa; /* want.records point into it */

void demand_begin(struct demands *ds, struct dns *dns, const struct ctlmap *rules,
		  const struct job *job, const struct dest *d, const char *domain,
		  int64_t deadline)
{
	ds->dns = dns;
	ds->rules = rules;
	ds->job = job;
	ds->dest = d;
	ds->domain = domain;
	ds->deadline = deadline;
	ds->port = 0;
	ds->sts_asked = 0;
}

static int is_route(const struct demands *ds)
{
	return *ds->job->route != '\0';
}

/* ---- TLSA ---- */

/* 0: there is no room for it. */
static int add_record(struct tls_want *w, const struct dns_tlsa *r)
{
	if (w->nrecords == TLS_RECORDS || r->len > TLS_RECORD)
		return 0;
	w->records[w->nrecords++] = (struct tls_record){r->usage, r->selector, r->mtype,
							(uint16_t)r->len, r->data};
	return 1;
}

/* Of one name. An answer that is not secure is none; records that are only too large for us
 * are not unusable: anybody's certificate would do then. */
static enum tlsa ask_tlsa(struct demands *ds, const char *name, uint16_t port)
{
	char query[LIMIT_DOMAIN + 20];
	struct dns_tlsa r;
	int left_out = 0;
	int found;

	(void)snprintf(query, sizeof query, "_%u._tcp.%s", (unsigned)port, name);
	found = dns_query(ds->dns, query, DNS_TLSA, &tlsa,
			  clock_sooner(ds->deadline, clock_mono_ms() + DNS_TIME));
	if (found == -1)
		return errno == EINVAL ? TLSA_NONE : TLSA_FAILED;
	if (found == 0 || !tlsa.ad)
		return TLSA_NONE;
	for (size_t i = 0; i < tlsa.count; i++)
		if (dns_tlsa(&tlsa, i, &r) == 0 && dns_tlsa_is_usable(&r))
			left_out |= !add_record(&ds->demand.want, &r);
	(void)snprintf(ds->base, sizeof ds->base, "%s", name);
	if (ds->demand.want.nrecords > 0)
		return TLSA_USABLE;
	return left_out ? TLSA_FAILED : TLSA_UNUSABLE;
}

/* The host is an alias, and what it leads to is not secure; is the alias? Then it has
 * records, perhaps (RFC 7672 2.2.2). 1, 0, -1. */
static int is_alias_secure(struct demands *ds, const struct target *t)
{
	int r;

	if (strcasecmp(t->base, t->host) == 0)
		return 0;
	r = dns_query(ds->dns, t->host, DNS_CNAME, &tlsa,
		      clock_sooner(ds->deadline, clock_mono_ms() + DNS_TIME));
	return r == 1 ? tlsa.ad : r;
}

/* RFC 7672 2.2.2: the name behind the aliases first, then as the MX has it. */
static enum tlsa find_tlsa(struct demands *ds, const struct target *t)
{
	enum tlsa r = TLSA_NONE;
	int alias = 1;

	if (!ds->dest->secure)
		return TLSA_NONE;
	if (t->secure)
		r = ask_tlsa(ds, t->base, t->port);
	else
		alias = is_alias_secure(ds, t);
	if (alias == -1)
		return TLSA_FAILED;
	if (r == TLSA_NONE && alias && strcasecmp(t->base, t->host) != 0)
		r = ask_tlsa(ds, t->host, t->port);
	return r;
}

/* ---- MTA-STS ---- */

static enum sts find_sts(struct demands *ds, const char *host)
{
	if (is_route(ds) || *ds->domain == '[' || *ds->domain == '\0')
		return STS_NONE;
	if (!ds->sts_asked && stsask(ds->domain, &ds->sts, ds->deadline) == -1)
		ds->sts.mode = 'Z';
	ds->sts_asked = 1;
	switch (ds->sts.mode) {
	case 'N':
		return STS_NONE;
	case 'T':
		return STS_TESTING;
	case 'E':
		return sts_has_mx(&ds->sts, host) ? STS_LISTED : STS_UNLISTED;
	default:
		return STS_UNKNOWN;
	}
}

/* ---- the request ---- */

static void add_name(struct tls_want *w, const char *name)
{
	for (size_t i = 0; i < w->nnames; i++)
		if (strcasecmp(w->names[i], name) == 0)
			return;
	if (*name != '\0' && w->nnames < TLS_NAMES)
		w->names[w->nnames++] = name;
}

/* A domain's own names, if DNS does not vouch for that of its MX. */
static void add_default_names(struct demands *ds)
{
	struct tls_want *w = &ds->demand.want;

	if (!is_route(ds))
		add_name(w, ds->domain);
	if (is_route(ds) || ds->dest->secure)
		add_name(w, ds->host);
}

/* RFC 7672 3.2.2: for usage 2. */
static void want_dane(struct demands *ds)
{
	struct tls_want *w = &ds->demand.want;

	w->verify = TLS_DANE;
	w->sni = ds->base;
	add_name(w, ds->base);
	if (!is_route(ds)) {
		add_name(w, ds->domain);
		add_name(w, ds->dest->owner);
	}
}

static void want_name(struct demands *ds, enum sts sts)
{
	struct tls_want *w = &ds->demand.want;

	w->verify = TLS_NAME;
	for (size_t i = 0; i < ds->policy.nnames; i++)
		add_name(w, ds->policy.names[i]);
	if (w->nnames > 0)
		return;
	if (sts == STS_LISTED || sts == STS_TESTING)
		add_name(w, ds->host); /* RFC 8461 4.1 */
	else
		add_default_names(ds);
}

static void want_pin(struct demands *ds)
{
	struct tls_want *w = &ds->demand.want;

	w->verify = TLS_PIN;
	w->npins = ds->policy.npins;
	memcpy(w->pins, ds->policy.pins, sizeof w->pins);
}

/* SNI has no addresses (RFC 6066 3). */
static int is_name(const struct target *t)
{
	return t->host[0] != '[' && strcmp(t->host, t->ip) != 0;
}

static void make_want(struct demands *ds, const struct target *t, enum sts sts)
{
	struct demand *d = &ds->demand;

	d->want.verify = TLS_NONE;
	d->want.sni = is_name(t) ? ds->host : NULL;
	if (d->action != ACT_DANE)
		d->want.nrecords = 0;
	if (d->action == ACT_DANE)
		want_dane(ds);
	else if (d->action == ACT_NAME || d->testing)
		want_name(ds, sts);
	else if (d->action == ACT_PIN)
		want_pin(ds);
}

/* ---- the host ---- */

static void decide(struct demands *ds, const struct target *t)
{
	struct demand *d = &ds->demand;
	struct findings f = {.rule = ds->policy.rule, .login = d->login != NULL};
	struct decision then;

	if (f.rule == RULE_UNSAID)
		f.tlsa = find_tlsa(ds, t);
	if (f.rule == RULE_UNSAID && f.tlsa == TLSA_NONE)
		f.sts = find_sts(ds, t->host);
	then = secure_decide(&f);
	d->action = then.action;
	d->why = then.why;
	d->testing = f.sts == STS_TESTING && d->action == ACT_MAY;
	d->unlisted = d->testing && !sts_has_mx(&ds->sts, t->host);
	make_want(ds, t, f.sts);
}

const struct demand *demand_of(struct demands *ds, const struct target *t)
{
	if (ds->port == t->port && strcmp(ds->host, t->host) == 0)
		return &ds->demand;
	memset(&ds->demand, 0, sizeof ds->demand);
	(void)snprintf(ds->host, sizeof ds->host, "%s", t->host);
	ds->port = t->port;
	ds->base[0] = '\0';
	ds->demand.login = is_route(ds) ? job_login(ds->job, t->host) : NULL;
	tlspolicy_get(ds->rules, is_route(ds) ? t->host : ds->domain, &ds->policy);
	decide(ds, t);
	return &ds->demand;
}
