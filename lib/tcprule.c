#include "tcprule.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

struct search {
	struct table *t;
	const char **rule;
	size_t *len;
	char *key;
};

/* 1 found, 0 not, -1; a key that is too long is in no table of ours. */
__attribute__((format(printf, 2, 3))) static int try(struct search *s, const char *fmt,
						     ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->key, TCPRULE_KEY, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= TCPRULE_KEY)
		return 0;
	return table_get(s->t, s->key, (size_t)n, s->rule, s->len);
}

int tcprule_cidr_key(char key[TCPRULE_KEY], int family, const unsigned char ip[16],
		     unsigned bits)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char masked[16];
	unsigned size = family == AF_INET6 ? 16 : 4;

	if (bits > size * 8) {
		errno = EINVAL;
		return -1;
	}
	for (unsigned i = 0; i < size; i++) {
		unsigned left = bits > i * 8 ? bits - i * 8 : 0;
		unsigned keep = left >= 8 ? 0xff : 0xff00u >> left;

		masked[i] = (unsigned char)(ip[i] & keep);
	}
	if (inet_ntop(family, masked, text, sizeof text) == NULL)
		return -1;
	(void)snprintf(key, TCPRULE_KEY, "%s/%u", text, bits);
	return 0;
}

struct address {
	int family;
	unsigned char ip[16];
	unsigned char has[129]; /* prefix lengths that the table has rules for */
};

static int parse(struct address *a, const char *ip)
{
	a->family = strchr(ip, ':') != NULL ? AF_INET6 : AF_INET;
	if (inet_pton(a->family, ip, a->ip) == 1)
		return 0;
	errno = EINVAL;
	return -1;
}

static int load_lengths(struct search *s, struct address *a)
{
	int r = try(s, a->family == AF_INET6 ? "/6" : "/4");

	memset(a->has, 0, sizeof a->has);
	for (size_t i = 0; r == 1 && i < *s->len; i++)
		if ((unsigned char)(*s->rule)[i] < sizeof a->has)
			a->has[(unsigned char)(*s->rule)[i]] = 1;
	return r == -1 ? -1 : 0;
}

static int try_cidr(struct search *s, const struct address *a, unsigned bits)
{
	char key[TCPRULE_KEY];

	if (!a->has[bits] || tcprule_cidr_key(key, a->family, a->ip, bits) == -1)
		return 0;
	return try(s, "%s", key);
}

static int try_dotted(struct search *s, const unsigned char *ip, unsigned bits)
{
	switch (bits) {
	case 24:
		return try(s, "%u.%u.%u.", ip[0], ip[1], ip[2]);
	case 16:
		return try(s, "%u.%u.", ip[0], ip[1]);
	case 8:
		return try(s, "%u.", ip[0]);
	default:
		return 0;
	}
}

static int find_prefix4(struct search *s, const struct address *a)
{
	for (unsigned bits = 33; bits-- > 0;) {
		int r = try_cidr(s, a, bits);

		if (r == 0)
			r = try_dotted(s, a->ip, bits);
		if (r != 0)
			return r;
	}
	return 0;
}

static int find_prefix6(struct search *s, const struct address *a, const char *ip)
{
	for (unsigned bits = 129; bits-- > 0;) {
		int r = try_cidr(s, a, bits);

		if (r != 0)
			return r;
	}
	for (size_t n = strlen(ip); n > 0; n--)
		if (ip[n - 1] == ':') {
			int r = try(s, "%.*s", (int)n, ip);

			if (r != 0)
				return r;
		}
	return 0;
}

static int find_prefix(struct search *s, const char *ip)
{
	struct address a;

	if (parse(&a, ip) == -1 || load_lengths(s, &a) == -1)
		return -1;
	return a.family == AF_INET6 ? find_prefix6(s, &a, ip) : find_prefix4(s, &a);
}

static int find_suffix(struct search *s, const char *host)
{
	for (const char *p = strchr(host, '.'); p != NULL; p = strchr(p + 1, '.')) {
		int r = try(s, "=%s", p);

		if (r != 0)
			return r;
	}
	return try(s, "=");
}

static int find_exact(struct search *s, const struct tcprule_client *c)
{
	int r = 0;

	if (c->info != NULL)
		r = try(s, "%s@%s", c->info, c->ip);
	if (r == 0 && c->info != NULL && c->host != NULL)
		r = try(s, "%s@=%s", c->info, c->host);
	if (r == 0)
		r = try(s, "%s", c->ip);
	if (r == 0 && c->host != NULL)
		r = try(s, "=%s", c->host);
	return r;
}

int tcprule_find(struct table *t, const struct tcprule_client *c, const char **rule,
		 size_t *len, char key[TCPRULE_KEY])
{
	struct search s = {t, rule, len, key};
	int r = find_exact(&s, c);

	if (r == 0)
		r = find_prefix(&s, c->ip);
	if (r == 0 && c->host != NULL)
		r = find_suffix(&s, c->host);
	return r == 0 ? try(&s, "%s", "") : r;
}

int tcprule_denies(const char *rule, size_t len)
{
	return len > 0 && rule[0] == 'D';
}

int tcprule_next(const char *rule, size_t len, size_t *at, const char **var)
{
	while (*at < len) {
		const char *p = rule + *at;
		const char *end = memchr(p, '\0', len - *at);

		if (end == NULL) /* a letter alone, or torn */
			return 0;
		*at += (size_t)(end - p) + 1;
		if (*p == '+' && strchr(p, '=') != NULL) {
			*var = p + 1;
			return 1;
		}
	}
	return 0;
}
