#include "stsask.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "ascii.h"
#include "clock.h"
#include "cursor.h"
#include "fdio.h"
#include "usock.h"

enum { AWAY_MS = 5000, AWAY_PAUSE_MS = 100 };

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

/* ---- words ---- */

static int is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

int sts_is_id(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(s[i]))
			return 0;
	return n >= 1 && n <= LIMIT_STSID;
}

/* Labels of lower-case letters, digits, hyphens and underscores; no final dot. */
int sts_is_domain(const char *s)
{
	size_t label = 0;
	size_t n;

	for (n = 0; s[n] != '\0'; n++) {
		if (s[n] == '.') {
			if (label == 0)
				return 0;
			label = 0;
			continue;
		}
		if (!(is_alnum(s[n]) && ascii_lower(s[n]) == s[n]) && s[n] != '-' &&
		    s[n] != '_')
			return 0;
		if (++label > LIMIT_STSLABEL)
			return 0;
	}
	return label > 0 && n <= LIMIT_STSDOMAIN;
}

int sts_is_mx(const char *s)
{
	return sts_is_domain(strncmp(s, "*.", 2) == 0 ? s + 2 : s);
}

static int is_text(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s < ' ' || *s > '~')
			return 0;
	return 1;
}

/* RFC 8461 4.1: a star stands for one label, and is one. */
static int covers(const char *mx, const char *host)
{
	if (strncmp(mx, "*.", 2) == 0) {
		const char *dot = strchr(host, '.');

		if (dot == NULL || dot == host)
			return 0;
		mx += 2;
		host = dot + 1;
	}
	return *host != '\0' && domain_equal(mx, host);
}

int sts_has_mx(const struct sts_policy *p, const char *host)
{
	for (size_t i = 0; i < p->nmx; i++)
		if (covers(p->mx[i], host))
			return 1;
	return 0;
}

/* ---- frames ---- */

struct out {
	char *p;
	size_t n;
	int full;
};

static void put(struct out *o, const void *p, size_t n)
{
	if (o->full || n > LIMIT_STSFRAME - o->n) {
		o->full = 1;
		return;
	}
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void put_str(struct out *o, const char *s)
{
	put(o, s, strlen(s) + 1);
}

static int is_policy(char mode)
{
	return mode == 'E' || mode == 'T';
}

int sts_answer_put(char frame[LIMIT_STSFRAME], size_t *n, const struct sts_policy *p)
{
	struct out o = {frame, 0, 0};
	uint8_t count = (uint8_t)p->nmx;

	put(&o, &p->mode, 1);
	if (p->mode == 'Z')
		put_str(&o, p->text);
	if (is_policy(p->mode)) {
		put_str(&o, p->id);
		put(&o, &count, 1);
		for (size_t i = 0; i < p->nmx; i++)
			put_str(&o, p->mx[i]);
	}
	if (o.full) {
		errno = EMSGSIZE;
		return -1;
	}
	*n = o.n;
	return 0;
}

static int get_text(struct cursor *c, struct sts_policy *p)
{
	if (cur_str(c, LIMIT_TEXT, &p->text) == -1)
		return -1;
	return is_text(p->text) ? 0 : bad();
}

static int get_policy(struct cursor *c, struct sts_policy *p)
{
	uint8_t count;

	if (cur_str(c, LIMIT_STSID, &p->id) == -1 || cur_u8(c, &count) == -1)
		return -1;
	if (!sts_is_id(p->id, strlen(p->id)) || count == 0 || count > STS_MX)
		return bad();
	for (; p->nmx < count; p->nmx++)
		if (cur_str(c, LIMIT_DOMAIN, &p->mx[p->nmx]) == -1 ||
		    !sts_is_mx(p->mx[p->nmx]))
			return bad();
	return 0;
}

int sts_answer_get(struct sts_policy *p, size_t n)
{
	struct cursor c;
	uint8_t mode;
	int r = 0;

	p->mode = 'Z';
	p->id = p->text = "";
	p->nmx = 0;
	cur_init(&c, p->frame, n);
	if (n > sizeof p->frame || cur_u8(&c, &mode) == -1)
		return bad();
	if (mode == 'Z')
		r = get_text(&c, p);
	else if (is_policy((char)mode))
		r = get_policy(&c, p);
	else if (mode != 'N')
		return bad();
	if (r == -1 || cur_end(&c) == -1)
		return bad();
	p->mode = (char)mode;
	return 0;
}

/* ---- asking ---- */

static int ask_once(const char *domain, struct sts_policy *p, int64_t deadline)
{
	int fd = usock_connect("qsts", SOCK_SEQPACKET);
	ssize_t n = -1;
	int e;

	if (fd == -1)
		return -1;
	if (usock_send(fd, domain, strlen(domain) + 1, -1) == 0 &&
	    fd_wait(fd, POLLIN, deadline) == 0)
		n = usock_recv(fd, p->frame, sizeof p->frame, NULL);
	e = n == 0 ? EPIPE : errno;
	(void)close(fd);
	errno = e;
	return n > 0 ? sts_answer_get(p, (size_t)n) : -1;
}

/* A restart looks like this for a moment. */
static int is_away(int e)
{
	return e == ECONNREFUSED || e == EPIPE || e == ECONNRESET;
}

static int none(struct sts_policy *p)
{
	p->frame[0] = 'N';
	return sts_answer_get(p, 1);
}

int stsask(const char *domain, struct sts_policy *p, int64_t deadline)
{
	char name[LIMIT_STSDOMAIN + 1];
	size_t n = strlen(domain);
	int64_t back;

	if (n > 0 && domain[n - 1] == '.')
		n--;
	if (n > LIMIT_STSDOMAIN)
		return none(p);
	ascii_copy_lower(name, domain, n);
	name[n] = '\0';
	if (!sts_is_domain(name)) /* no policy can be published there */
		return none(p);
	deadline = clock_sooner(deadline, clock_mono_ms() + STS_TIME);
	back = clock_sooner(deadline, clock_mono_ms() + AWAY_MS);
	while (ask_once(name, p, deadline) == -1) {
		if (errno == ENOENT) /* this host has no qsts */
			return none(p);
		if (!is_away(errno) || clock_mono_ms() >= back)
			return -1;
		(void)poll(NULL, 0, AWAY_PAUSE_MS);
	}
	return 0;
}
