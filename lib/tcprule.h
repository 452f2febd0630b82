/* tcprule: access rules for TCP clients, in the tables of tcprules(1), and prefixes
 * of any length besides.
 *
 * Order of the look-ups, the first found decides: info@ip, info@=host, ip, =host, then
 * prefixes of ip from the longest: "10.1.0.0/15" of ours and "10.1." of tcprules (for
 * IPv6 ours, then those that end at a colon), =.suffixes of host, "=" if there is
 * a host, "" at last.
 * Our keys: "10.1.0.0/15" and "2001:db8::/33", masked, as inet_ntop() writes them, and
 * "/4" and "/6", whose values are the prefix lengths in use, a byte each.
 * A rule is a row of strings: "D" refuses; "+NAME=VALUE" puts a variable in the
 * environment.
 */
#ifndef QUOIN_TCPRULE_H
#define QUOIN_TCPRULE_H

#include <stddef.h>

struct table;

struct tcprule_client {
	const char *ip;   /* as TCPREMOTEIP */
	const char *host; /* TCPREMOTEHOST or NULL */
	const char *info; /* TCPREMOTEINFO or NULL */
};

/* 1 with the rule and its key (TCPRULE_KEY bytes), 0 no rule, -1 with errno (EINVAL: ip
 * is no address). The rule is the table's, until its next look-up. */
enum { TCPRULE_KEY = 512 };
int tcprule_find(struct table *t, const struct tcprule_client *c, const char **rule,
		 size_t *len, char key[TCPRULE_KEY]);

/* Does a rule refuse? */
int tcprule_denies(const char *rule, size_t len);

/* The next variable, "NAME=VALUE": 1, or 0 at the end. at starts at 0. */
int tcprule_next(const char *rule, size_t len, size_t *at, const char **var);

/* The masked key of a prefix, "10.1.0.0/15"; -1 with EINVAL. */
int tcprule_cidr_key(char key[TCPRULE_KEY], int family, const unsigned char ip[16],
		     unsigned bits);

#endif
