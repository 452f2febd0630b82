#include "sts_clients.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "cursor.h"
#include "prog.h"
#include "sts_cache.h"
#include "sts_pending.h"
#include "sts_recent.h"
#include "usock.h"

static struct client {
	int used;
	int fd;
	char waits[LIMIT_STSDOMAIN + 1]; /* for this domain, or "" */
} clients[STS_CLIENTS];

static void drop(struct client *c)
{
	(void)close(c->fd);
	c->used = 0;
}

/* ---- answers ---- */

static void tell(struct client *c, const struct sts_policy *p)
{
	static char frame[LIMIT_STSFRAME];
	size_t n;

	c->waits[0] = '\0';
	if (sts_answer_put(frame, &n, p) == -1 || usock_send(c->fd, frame, n, -1) == -1)
		drop(c);
}

static void tell_record(struct client *c, const struct sts_record *r)
{
	static struct sts_policy p;

	p.mode = r->mode;
	p.id = r->id;
	p.nmx = r->mode == 'N' ? 0 : r->nmx;
	for (size_t i = 0; i < p.nmx; i++)
		p.mx[i] = r->mx[i];
	tell(c, &p);
}

static void answer(struct client *c, const struct sts_record *fetched)
{
	static struct sts_record r;
	struct sts_policy later = {.mode = 'Z',
				   .text = "a policy that was kept cannot be read"};
	int found;

	if (fetched != NULL) {
		tell_record(c, fetched);
		return;
	}
	found = sts_cache_get(c->waits, &r);
	if (found == -1) {
		warn_sys2("read the policy of", c->waits);
		tell(c, &later);
		return;
	}
	if (found == 0)
		r = (struct sts_record){.mode = 'N'};
	tell_record(c, &r);
}

void sts_clients_answer(const char *domain, const struct sts_record *r)
{
	for (struct client *c = clients; c < clients + STS_CLIENTS; c++)
		if (c->used && strcmp(c->waits, domain) == 0)
			answer(c, r);
}

const char *sts_clients_next(void)
{
	for (struct client *c = clients; c < clients + STS_CLIENTS; c++)
		if (c->used && c->waits[0] != '\0' && !sts_is_pending(c->waits))
			return c->waits;
	return NULL;
}

/* ---- questions ---- */

static int is_request(struct client *c, const char *buf, ssize_t n)
{
	struct cursor cur;
	const char *domain;

	cur_init(&cur, buf, n > 0 ? (size_t)n : 0);
	if (c->waits[0] != '\0' || cur_str(&cur, LIMIT_STSDOMAIN, &domain) == -1 ||
	    cur_end(&cur) == -1 || !sts_is_domain(domain))
		return 0;
	memcpy(c->waits, domain, strlen(domain) + 1);
	return 1;
}

/* Good enough when so many others are looked up that this one would have to wait. */
static int is_kept(const char *domain)
{
	static struct sts_record r;

	return sts_cache_get(domain, &r) == 1;
}

static void hear(struct client *c)
{
	char buf[LIMIT_STSDOMAIN + 2];
	ssize_t n = usock_recv(c->fd, buf, sizeof buf, NULL);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == 0)
		drop(c);
	else if (!is_request(c, buf, n)) {
		warn_msg("a client is dropped: not a request");
		drop(c);
	} else if (sts_is_recent(c->waits, clock_mono_ms()))
		answer(c, NULL);
	else if (sts_pending_start(c->waits) == -1 && is_kept(c->waits))
		answer(c, NULL);
}

void sts_clients_fill(struct pollfd *p)
{
	for (size_t i = 0; i < STS_CLIENTS; i++)
		p[i] = (struct pollfd){.fd = clients[i].used ? clients[i].fd : -1,
				       .events = POLLIN};
}

void sts_clients_hear(const struct pollfd *p)
{
	for (size_t i = 0; i < STS_CLIENTS; i++)
		if (p[i].revents != 0 && clients[i].used && clients[i].fd == p[i].fd)
			hear(&clients[i]);
}

void sts_clients_take(int sock)
{
	int fd = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd == -1)
		return;
	for (struct client *c = clients; c < clients + STS_CLIENTS; c++)
		if (!c->used) {
			*c = (struct client){.used = 1, .fd = fd};
			return;
		}
	warn_msg("a client is turned away: more than %d", STS_CLIENTS);
	(void)close(fd);
}
