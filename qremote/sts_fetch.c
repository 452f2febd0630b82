/* One domain's policy, from its TXT record to the text (RFC 8461 3). */
#include "sts_fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "dns.h"
#include "escape.h"
#include "fdio.h"
#include "sts_cache.h"
#include "sts_http.h"
#include "sts_text.h"
#include "tlsgate.h"

/* Addresses that are tried, how long one of them may take to answer at all, and how long
 * after a small piece of the answer the next one may come. */
enum { ADDRESSES = 4, CONNECT_MS = 10000, PIECES_MS = 50 };

struct fetching {
	struct dns *dns;
	const char *host; /* mta-sts.DOMAIN */
	unsigned port;
	int64_t deadline;
	struct sts_report *p;
};

__attribute__((format(printf, 2, 3))) static int fail(struct sts_report *p,
						      const char *fmt, ...)
{
	char text[2 * LIMIT_TEXT];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	(void)escape_text(p->text, sizeof p->text, text, strlen(text));
	p->letter = 'F';
	return -1;
}

/* ---- the TXT record ---- */

static struct dns_answer answer;

/* One, and only one, that is whole: else the domain has no policy (RFC 8461 3.1). */
static int find_id(char id[LIMIT_STSID + 1])
{
	char text[4096];
	const char *why;
	int found = 0;
	size_t n;

	for (size_t i = 0; i < answer.count; i++) {
		int r = -1;

		if (dns_txt(&answer, i, text, sizeof text, &n) == 0)
			r = sts_text_txt(text, n, id, &why);
		else if (errno == EMSGSIZE)
			r = 0; /* so long a text is about something else */
		if (r == -1 || (found += r) > 1)
			return 0;
	}
	return found;
}

/* 1 with the id, or 0: *p says why there is nothing to be fetched. */
static int look(struct fetching *f, const char *domain, const char *known,
		char id[LIMIT_STSID + 1])
{
	char name[LIMIT_DOMAIN + 1];
	int r;

	(void)snprintf(name, sizeof name, "_mta-sts.%s", domain);
	r = dns_query(f->dns, name, DNS_TXT, &answer, f->deadline);
	if (r == -1 && errno != EINVAL) {
		(void)fail(f->p, "%s", dns_error(f->dns));
		return 0;
	}
	if (r != 1 || !find_id(id)) {
		f->p->letter = '0';
		return 0;
	}
	if (strcmp(known, id) != 0)
		return 1;
	f->p->letter = '=';
	return 0;
}

/* ---- the web server ---- */

struct target {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr;
	socklen_t len;
};

static void set_target(struct target *t, int family, const uint8_t ip[16], unsigned port)
{
	memset(t, 0, sizeof *t);
	if (family == AF_INET) {
		t->addr.in.sin_family = AF_INET;
		t->addr.in.sin_port = htons((uint16_t)port);
		memcpy(&t->addr.in.sin_addr, ip, 4);
		t->len = sizeof t->addr.in;
	} else {
		t->addr.in6.sin6_family = AF_INET6;
		t->addr.in6.sin6_port = htons((uint16_t)port);
		memcpy(&t->addr.in6.sin6_addr, ip, 16);
		t->len = sizeof t->addr.in6;
	}
}

static int open_tcp(const struct target *t, int64_t deadline)
{
	int fd =
	    socket(t->addr.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int e;

	if (fd == -1)
		return -1;
	deadline = clock_sooner(deadline, clock_mono_ms() + CONNECT_MS);
	if (fd_connect(fd, &t->addr.sa, t->len, deadline) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}

static size_t find_targets(struct fetching *f, struct target to[ADDRESSES])
{
	static const struct {
		uint16_t type;
		int family;
	} kinds[] = {{DNS_A, AF_INET}, {DNS_AAAA, AF_INET6}};
	int later = 0;
	size_t n = 0;

	for (size_t k = 0; k < 2; k++) {
		int r = dns_query(f->dns, f->host, kinds[k].type, &answer, f->deadline);
		uint8_t ip[16];

		later |= r == -1;
		/* Two places are the other family's. */
		for (size_t i = 0; r == 1 && i < answer.count && n < 2 * (k + 1); i++)
			if (dns_addr(&answer, i, ip) == 0)
				set_target(&to[n++], kinds[k].family, ip, f->port);
	}
	if (n == 0)
		(void)fail(f->p, "%s: %s", f->host,
			   later ? dns_error(f->dns) : "no address");
	return n;
}

/* Nothing is said to a server whose certificate is not the host's (RFC 8461 3.3). */
static int put_tls(struct fetching *f, int tcp)
{
	static struct tls_facts facts;
	struct tls_want w = {.flags = TLS_GO | TLS_STRICT,
			     .timeout_ms = (uint32_t)clock_left_ms(f->deadline),
			     .sni = f->host,
			     .verify = TLS_NAME,
			     .nnames = 1,
			     .names = {f->host}};
	struct tlsgate g;
	int plain = -1;

	if (tlsgate_open(&g, "tls-fetch", &w, tcp, f->deadline) == 0)
		plain = tlsgate_result(&g, &facts, f->deadline);
	if (plain == -1)
		return fail(f->p, "%s: TLS: %s", f->host,
			    g.letter != '\0' ? g.text : strerror(errno));
	return plain;
}

/* ---- the request ---- */

static int say(struct fetching *f, int fd)
{
	char text[512];
	int n = snprintf(text, sizeof text,
			 "GET /.well-known/mta-sts.txt HTTP/1.1\r\n"
			 "Host: %s\r\n"
			 "User-Agent: quoin\r\n"
			 "Accept: text/plain\r\n"
			 "Connection: close\r\n\r\n",
			 f->host);

	if (fd_write_full(fd, text, (size_t)n, f->deadline) == -1)
		return fail(f->p, "%s: %s", f->host, strerror(errno));
	return 0;
}

static int take_policy(struct fetching *f, const char *body, size_t len)
{
	const char *why;

	if (sts_text_policy(body, len, &f->p->record, &why) == -1)
		return fail(f->p, "%s: %s", f->host, why);
	f->p->record.fetched = sts_now();
	f->p->letter = 'P';
	return 0;
}

/* Each look begins at the front: by a byte at a time the work would grow with the square of
 * the answer. Small pieces are put together as long as they come. */
static int is_more_coming(int fd, size_t n, size_t looked)
{
	return n - looked < n / 16 &&
	       fd_wait(fd, POLLIN, clock_mono_ms() + PIECES_MS) == 0;
}

static int hear(struct fetching *f, int fd)
{
	static char buf[LIMIT_HTTP];
	const char *why;
	size_t looked = 0;
	size_t n = 0;

	for (;;) {
		ssize_t r = fd_read_some(fd, buf + n, sizeof buf - n, f->deadline);
		char *body;
		size_t len;
		int whole;

		if (r == -1)
			return fail(f->p, "%s: %s", f->host, strerror(errno));
		n += (size_t)r;
		if (r > 0 && n < sizeof buf && is_more_coming(fd, n, looked))
			continue;
		looked = n;
		whole = sts_http(buf, n, &body, &len, &why);
		if (whole == 1)
			return take_policy(f, body, len);
		if (whole == -1)
			return fail(f->p, "%s: %s", f->host, why);
		if (r == 0)
			return fail(f->p, "%s: the answer ends early", f->host);
		if (n == sizeof buf)
			return fail(f->p, "%s: the answer is too long", f->host);
	}
}

/* 0 tried, whatever came of it; -1 this address cannot be reached. */
static int try_target(struct fetching *f, const struct target *t)
{
	int tcp = open_tcp(t, f->deadline);
	int plain;

	if (tcp == -1) {
		(void)fail(f->p, "%s: %s", f->host, strerror(errno));
		return -1;
	}
	plain = put_tls(f, tcp);
	(void)close(tcp);
	if (plain == -1)
		return 0;
	if (say(f, plain) == 0)
		(void)hear(f, plain);
	(void)close(plain);
	return 0;
}

void sts_fetch(struct dns *d, unsigned port, const char *domain, const char *id,
	       int64_t deadline, struct sts_report *p)
{
	char host[LIMIT_DOMAIN + 1];
	struct fetching f = {d, host, port, deadline, p};
	struct target to[ADDRESSES];
	size_t n;

	(void)snprintf(host, sizeof host, "mta-sts.%s", domain);
	if (!look(&f, domain, id, p->record.id))
		return;
	n = find_targets(&f, to);
	for (size_t i = 0; i < n; i++)
		if (try_target(&f, &to[i]) == 0)
			return;
}
