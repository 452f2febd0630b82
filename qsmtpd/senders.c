#include "senders.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "addr.h"
#include "config.h"
#include "ctlmap.h"

static int is_local(const struct config *c, const char *domain)
{
	return domain_equal(domain, c->me) ||
	       ctlmap_get(c->own_domains, domain, NULL, NULL) != NULL;
}

static int is_own(const struct config *c, const char *login, const char *sender)
{
	const char *domain = addr_domain(sender);
	size_t n = strlen(login);

	if (strchr(login, '@') != NULL || domain == NULL)
		return strcasecmp(login, sender) == 0;
	return (size_t)(domain - sender) - 1 == n && strncasecmp(login, sender, n) == 0 &&
	       is_local(c, domain);
}

/* One word of a line: an address, "@domain" or "*". */
static int fits(const char *word, size_t n, const char *sender)
{
	const char *domain = addr_domain(sender);

	if (n == 1 && word[0] == '*')
		return 1;
	if (word[0] == '@')
		sender = domain != NULL ? domain - 1 : "";
	return strlen(sender) == n && strncasecmp(word, sender, n) == 0;
}

int senders_may(struct config *c, const char *login, const char *sender)
{
	const char *value;
	size_t len;
	int r;

	if (sender[0] == '\0' || is_own(c, login, sender))
		return 1;
	r = c->has_senders ? table_get(&c->senders, login, strlen(login), &value, &len)
			   : 0;
	if (r != 1)
		return r;
	for (value += strspn(value, " \t,"); *value != '\0';
	     value += strspn(value, " \t,")) {
		size_t n = strcspn(value, " \t,");

		if (fits(value, n, sender))
			return 1;
		value += n;
	}
	return 0;
}

void senders_own(const struct config *c, const char *login, char out[LIMIT_ADDRESS + 1])
{
	int has_domain = strchr(login, '@') != NULL;

	(void)snprintf(out, LIMIT_ADDRESS + 1, "%s%s%s", login, has_domain ? "" : "@",
		       has_domain ? "" : c->me);
}
