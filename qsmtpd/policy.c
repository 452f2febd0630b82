#include "policy.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "ascii.h"
#include "config.h"
#include "ctlmap.h"

static int is_in(const struct ctlmap *m, const char *key)
{
	return ctlmap_get(m, key, NULL, NULL) != NULL;
}

int policy_is_bad_sender(const struct config *c, const char *sender)
{
	const char *domain = addr_domain(sender);

	if (sender[0] == '\0')
		return 0;
	return is_in(c->badmailfrom, sender) ||
	       (domain != NULL && is_in(c->badmailfrom, domain - 1));
}

/* name itself, then .parent for each of its parents. */
static int is_listed(const struct ctlmap *m, const char *name)
{
	if (is_in(m, name))
		return 1;
	for (const char *dot = strchr(name, '.'); dot != NULL; dot = strchr(dot + 1, '.'))
		if (is_in(m, dot))
			return 1;
	return 0;
}

/* The keys of morercpthosts.cdb are lower case, as qmail-newmrh writes them. */
static int is_in_table(struct table *t, const char *name)
{
	char key[LIMIT_DOMAIN + 1];
	size_t n = strlen(name);
	const char *value;
	size_t len;

	ascii_copy_lower(key, name, n + 1);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || key[i] == '.') {
			int r = table_get(t, key + i, n - i, &value, &len);

			if (r != 0)
				return r;
		}
	return 0;
}

/* 1 our mail, 0 not, -1 the table cannot be read. */
static int is_ours(struct config *c, const char *domain)
{
	if (is_listed(c->rcpthosts, domain))
		return 1;
	if (c->locals != NULL &&
	    (is_in(c->locals, domain) || domain_equal(domain, c->me)))
		return 1;
	return c->has_more ? is_in_table(&c->morercpthosts, domain) : 0;
}

/* Does the literal name the address that the client connected to? */
static int is_own_literal(const struct peer *p, const char *domain)
{
	unsigned char own[16];
	unsigned char ip[16];
	int family;

	return p->local_ip != NULL && addr_literal(domain, &family, ip) == 0 &&
	       inet_pton(family, p->local_ip, own) == 1 &&
	       memcmp(own, ip, family == AF_INET ? 4 : 16) == 0;
}

/* box@[our address] is box@localiphost. */
static int resolve_literal(const struct config *c, const struct peer *p, char *rcpt)
{
	size_t at = (size_t)(addr_domain(rcpt) - rcpt);
	size_t n = strlen(c->literal_host);

	if (!is_own_literal(p, rcpt + at) || n > LIMIT_ADDRESS - at)
		return -1;
	memcpy(rcpt + at, c->literal_host, n + 1);
	return 0;
}

/* user%other, other!user, "user@other": harmless here, but whoever writes them hopes
 * that some host behind us sends them on. */
static int is_probe(const char *rcpt, const char *domain)
{
	size_t n = domain != NULL ? (size_t)(domain - rcpt) - 1 : strlen(rcpt);

	return memchr(rcpt, '%', n) != NULL || memchr(rcpt, '!', n) != NULL ||
	       memchr(rcpt, '@', n) != NULL;
}

static enum reply for_relay_client(const struct peer *p, char *rcpt)
{
	size_t n = strlen(rcpt);
	size_t more = strlen(p->relay);

	if (more > LIMIT_ADDRESS - n)
		return SAY_BAD_RCPT;
	memcpy(rcpt + n, p->relay, more + 1);
	return SAY_OK;
}

enum reply policy_rcpt(struct config *c, const struct peer *p,
		       char rcpt[LIMIT_ADDRESS + 1], int routed)
{
	const char *domain = addr_domain(rcpt);
	int own_literal =
	    domain != NULL && domain[0] == '[' && resolve_literal(c, p, rcpt) == 0;

	if (p->relay != NULL)
		return for_relay_client(p, rcpt);
	if (routed || is_probe(rcpt, domain))
		return SAY_PROBE;
	if (domain == NULL || own_literal)
		return SAY_OK;
	switch (is_ours(c, domain)) {
	case 1:
		return SAY_OK;
	case 0:
		return SAY_NO_RELAY;
	default:
		return SAY_RCPT_LATER;
	}
}
