#include "dns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "rnd.h"

/* Rounds over the servers and how long each server has in them (together 30 s for
 * one server), TCP included, and how many packets that are no reply to us we look at. */
static const int patience[] = {3000, 5000, 8000, 14000};
enum { ROUNDS = sizeof patience / sizeof *patience, GUESSES = 200 };
enum { FORMERR = 1, NOTIMP = 4 };

const char *dns_error(const struct dns *d)
{
	return d->error;
}

static socklen_t addr_len(const struct dns_server *s)
{
	return s->addr.sa.sa_family == AF_INET ? sizeof s->addr.in : sizeof s->addr.in6;
}

static int fail(struct dns *d, const struct dns_server *s, const char *what)
{
	(void)snprintf(d->error, sizeof d->error, "DNS server %s %s", s->text, what);
	return -1;
}

static int fail_errno(struct dns *d, const struct dns_server *s)
{
	int e = errno;

	(void)fail(d, s, e == ETIMEDOUT ? "does not answer" : strerror(e));
	errno = e;
	return -1;
}

/* ---- one question to one server ---- */

struct question {
	uint8_t msg[DNSMSG_QUERYMAX];
	size_t len;
	const char *name;
	uint16_t type;
};

static int open_to(const struct dns_server *s, int type, int64_t deadline)
{
	int fd = socket(s->addr.sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int e;

	if (fd == -1 || fd_connect(fd, &s->addr.sa, addr_len(s), deadline) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}

/* Wait for the reply among whatever else is sent to our port. */
static int udp_reply(int fd, const struct question *q, struct dns_answer *a,
		     int64_t deadline)
{
	for (int i = 0; i < GUESSES; i++) {
		ssize_t n = fd_read_some(fd, a->msg, sizeof a->msg, deadline);

		if (n == -1)
			return -1;
		a->len = (size_t)n;
		if (dnsmsg_is_reply(q->msg, q->len, a->msg, a->len))
			return 0;
	}
	errno = EBADMSG;
	return -1;
}

static int udp(int fd, const struct question *q, struct dns_answer *a, int64_t deadline)
{
	if (fd_write_full(fd, q->msg, q->len, deadline) == -1)
		return -1;
	return udp_reply(fd, q, a, deadline);
}

static int tcp(int fd, const struct question *q, struct dns_answer *a, int64_t deadline)
{
	uint8_t out[2 + DNSMSG_QUERYMAX];
	uint8_t len[2];

	out[0] = (uint8_t)(q->len >> 8);
	out[1] = (uint8_t)q->len;
	memcpy(out + 2, q->msg, q->len);
	if (fd_write_full(fd, out, 2 + q->len, deadline) == -1 ||
	    fd_read_full(fd, len, sizeof len, deadline) == -1)
		return -1;
	a->len = (size_t)len[0] << 8 | len[1];
	if (fd_read_full(fd, a->msg, a->len, deadline) == -1)
		return -1;
	if (!dnsmsg_is_reply(q->msg, q->len, a->msg, a->len)) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

static int exchange(const struct dns_server *s, int type, const struct question *q,
		    struct dns_answer *a, int64_t deadline)
{
	int fd = open_to(s, type, deadline);
	int r;
	int e;

	if (fd == -1)
		return -1;
	r = type == SOCK_DGRAM ? udp(fd, q, a, deadline) : tcp(fd, q, a, deadline);
	e = errno;
	(void)close(fd);
	errno = e;
	return r;
}

static int fail_rcode(struct dns *d, const struct dns_server *s, int rcode)
{
	static const char *const word[] = {[FORMERR] = "answered FORMERR",
					   [2] = "answered SERVFAIL",
					   [NOTIMP] = "answered NOTIMP",
					   [5] = "answered REFUSED"};
	char text[40];

	if (rcode == 0)
		(void)snprintf(text, sizeof text, "does not recurse");
	else if ((size_t)rcode < sizeof word / sizeof *word && word[rcode] != NULL)
		(void)snprintf(text, sizeof text, "%s", word[rcode]);
	else
		(void)snprintf(text, sizeof text, "answered with code %d", rcode);
	(void)fail(d, s, text);
	errno = EPROTO;
	return -1;
}

static int judge(struct dns *d, const struct dns_server *s, int rcode)
{
	int e = errno;

	if (e == EPROTO)
		return fail_rcode(d, s, rcode);
	(void)fail(d, s,
		   e == ELOOP ? "answered with too long a chain of aliases"
			      : "answered with a broken message");
	errno = e == EMSGSIZE ? EBADMSG : e;
	return -1;
}

/* By UDP, and by TCP if the answer does not fit. */
static int converse(struct dns *d, const struct dns_server *s, const struct question *q,
		    struct dns_answer *a, int *rcode, int64_t end)
{
	int r;

	if (exchange(s, SOCK_DGRAM, q, a, end) == -1)
		return fail_errno(d, s);
	r = dnsmsg_read(a, q->name, q->type, rcode);
	if (r != -1 || errno != EMSGSIZE)
		return r == -1 ? judge(d, s, *rcode) : r;
	if (exchange(s, SOCK_STREAM, q, a, end) == -1)
		return fail_errno(d, s);
	r = dnsmsg_read(a, q->name, q->type, rcode);
	return r == -1 ? judge(d, s, *rcode) : r;
}

static int ask(struct dns *d, struct dns_server *s, struct question *q,
	       struct dns_answer *a, int64_t end)
{
	int rcode = 0;
	int r;
	int n = dnsmsg_query(q->msg, (uint16_t)rnd_u32(), q->name, q->type, !s->plain);

	if (n == -1)
		return -1;
	q->len = (size_t)n;
	r = converse(d, s, q, a, &rcode, end);
	if (r != -1)
		a->ad &= s->trusted;
	else if (!s->plain && (rcode == FORMERR || rcode == NOTIMP)) {
		s->plain = 1; /* a server from before EDNS (RFC 6891 7) */
		return ask(d, s, q, a, end);
	}
	return r;
}

/* ---- all servers ---- */

/* A round in which no server was silent is not repeated: they would say the same. Where
 * one failed that we believe the others are not asked, unless nobody is there: what is
 * damaged for a validator would look sound to them. */
static int ask_all(struct dns *d, const char *name, uint16_t type, struct dns_answer *a,
		   int64_t last)
{
	struct question q = {.name = name, .type = type};
	int doubtful = 0;

	d->error[0] = '\0';
	for (int round = 0; round < ROUNDS; round++) {
		int silent = 0;

		for (size_t i = 0; i < d->nservers; i++) {
			struct dns_server *s = &d->server[i];
			int64_t end =
			    clock_sooner(last, clock_mono_ms() + patience[round]);
			int r;

			if (doubtful && !s->trusted)
				continue;
			r = ask(d, s, &q, a, end);
			if (r != -1 || errno == EINVAL)
				return r;
			silent |= errno == ETIMEDOUT;
			doubtful |= s->trusted && errno != ECONNREFUSED;
			if (clock_left_ms(last) == 0)
				return -1;
		}
		if (!silent)
			return -1;
	}
	errno = ETIMEDOUT;
	return -1;
}

/* Nothing there, but an alias: has the server followed it? Not each does, and who takes that
 * for "no such records" bounces mail. */
static int is_dangling(const struct dns_answer *a)
{
	return a->alias && !a->nxdomain && strchr(a->owner, '\\') == NULL;
}

int dns_query(struct dns *d, const char *name, uint16_t type, struct dns_answer *a,
	      int64_t deadline)
{
	int64_t last = clock_sooner(deadline, clock_mono_ms() + DNS_TIME);
	char target[LIMIT_DOMAIN + 1];
	int r = ask_all(d, name, type, a, last);

	for (int links = 0; r == 0 && is_dangling(a); links++) {
		int ad = a->ad;

		if (links == LIMIT_CNAMES) {
			(void)snprintf(d->error, sizeof d->error,
				       "too long a chain of aliases");
			errno = ELOOP;
			return -1;
		}
		memcpy(target, a->owner, sizeof target);
		r = ask_all(d, target, type, a, last);
		a->ad &= ad;
	}
	return r;
}

/* ---- names of addresses ---- */

void dns_reverse(int family, const uint8_t ip[16], char name[LIMIT_DOMAIN + 1])
{
	static const char digits[] = "0123456789abcdef";
	char *p = name;

	if (family == AF_INET) {
		(void)snprintf(name, LIMIT_DOMAIN + 1, "%u.%u.%u.%u.in-addr.arpa", ip[3],
			       ip[2], ip[1], ip[0]);
		return;
	}
	for (int i = 15; i >= 0; i--) {
		*p++ = digits[ip[i] & 15];
		*p++ = '.';
		*p++ = digits[ip[i] >> 4];
		*p++ = '.';
	}
	memcpy(p, "ip6.arpa", sizeof "ip6.arpa");
}

static int leads_back(struct dns *d, const char *name, int family, const uint8_t *ip,
		      struct dns_answer *a, int64_t deadline)
{
	uint8_t one[16];
	int r = dns_query(d, name, family == AF_INET ? DNS_A : DNS_AAAA, a, deadline);

	if (r != 1)
		return r;
	for (size_t i = 0; i < a->count; i++)
		if (dns_addr(a, i, one) == 0 &&
		    memcmp(one, ip, family == AF_INET ? 4 : 16) == 0)
			return 1;
	return 0;
}

/* Only the first few names of an address are worth the questions. */
enum { PTR_NAMES = 4 };

int dns_ptr(struct dns *d, int family, const uint8_t ip[16], int anyname,
	    struct dns_answer *a, char *name, int64_t deadline)
{
	char found[PTR_NAMES][LIMIT_DOMAIN + 1];
	size_t n = 0;
	int r;

	dns_reverse(family, ip, name);
	r = dns_query(d, name, DNS_PTR, a, deadline);
	if (r != 1)
		return r;
	for (size_t i = 0; i < a->count && n < PTR_NAMES; i++)
		n += dns_name(a, i, found[n]) == 0 && found[n][0] != '\0';
	r = 0;
	for (size_t i = 0; i < n; i++) {
		int yes = anyname ? 1 : leads_back(d, found[i], family, ip, a, deadline);

		if (yes == 1) {
			memcpy(name, found[i], sizeof found[i]);
			return 1;
		}
		r = yes == -1 ? -1 : r;
	}
	return r;
}
