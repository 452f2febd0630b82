#include "sts_pending.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "prog.h"
#include "qlog.h"
#include "sbuf.h"
#include "sts_cache.h"
#include "sts_clients.h"
#include "sts_fetch.h"
#include "sts_recent.h"
#include "usock.h"

/* The round begins anew after ROUND_MS; what is older than a day, or than half its life, is
 * fetched again (RFC 8461 10.2), STEP files are looked at in a tick, ROUND_MOST fetched at once. */
enum {
	TICK_MS = 1000,
	ROUND_MS = 3600000,
	STEP = 50,
	ROUND_MOST = 8,
	DAY = 86400,
	GRACE_MS = 10000
};

static struct pending {
	char domain[LIMIT_STSDOMAIN + 1]; /* "": free */
	int fd;
	int of_round;
	int64_t began;
	char kept[LIMIT_STSID + 1]; /* id of the policy in force, or "" */
	uint64_t over;              /* of sts_now(): it is in force until then; 0: none */
} pendings[STS_PENDING];

static int fetcher;
static struct {
	int64_t next;                     /* time of the next round */
	char domain[LIMIT_STSDOMAIN + 1]; /* to be fetched as soon as may be, or "" */
	unsigned running;
} tour;

void sts_pending_open(int pair)
{
	fetcher = pair;
	tour.next = clock_mono_ms();
}

static struct pending *find(const char *domain)
{
	for (struct pending *p = pendings; p < pendings + STS_PENDING; p++)
		if (strcmp(p->domain, domain) == 0)
			return p;
	return NULL;
}

int sts_is_pending(const char *domain)
{
	return find(domain) != NULL;
}

/* ---- the end of one ---- */

static void say(const struct pending *p, const struct sts_report *r, const char *result)
{
	struct qlog l;

	qlog_begin(&l, "policy");
	qlog_str(&l, "domain", p->domain);
	qlog_str(&l, "result", result);
	if (r->letter == 'P') {
		qlog_str(&l, "policyid", r->record.id);
		qlog_str(&l, "mode", sts_mode_word(r->record.mode));
	}
	if (r->letter == 'F')
		qlog_str(&l, "text", r->text);
	qlog_num(&l, "ms", (uint64_t)(clock_mono_ms() - p->began));
	qlog_end(&l);
}

/* A place is free before anybody hears of it, for he may ask again. */
static void finish(struct pending *p, const struct sts_record *r)
{
	char domain[LIMIT_STSDOMAIN + 1];

	memcpy(domain, p->domain, sizeof domain);
	(void)close(p->fd);
	p->domain[0] = '\0';
	tour.running -= (unsigned)p->of_round;
	sts_clients_answer(domain, r);
}

/* Where a policy ends sooner it is looked for again then: else the domain would be without
 * one meanwhile. */
static int64_t recent_ms(const struct pending *p)
{
	uint64_t now = sts_now();

	if (p->over == 0 || (p->over > now && p->over - now >= STS_RECENT_MS / 1000))
		return STS_RECENT_MS;
	return p->over > now ? (int64_t)(p->over - now) * 1000 : 0;
}

static void set_recent(const struct pending *p)
{
	sts_set_recent(p->domain, clock_mono_ms() + recent_ms(p));
}

static void set_life(struct pending *p, const struct sts_record *r)
{
	p->over = r->fetched + r->max_age;
}

/* What cannot be kept serves those who wait now, and is fetched again for others. */
static void keep(struct pending *p, const struct sts_report *r)
{
	set_life(p, &r->record);
	if (sts_cache_put(p->domain, &r->record) == -1)
		warn_sys2("keep the policy of", p->domain);
	else
		set_recent(p);
	say(p, r, "fetched");
	finish(p, &r->record);
}

/* RFC 8461 3.1, 3.3: one in force stays so; else there is none. */
static void do_without(struct pending *p, const struct sts_report *r)
{
	set_recent(p);
	if (r->letter == 'F')
		say(p, r, p->kept[0] != '\0' ? "kept" : "failed");
	finish(p, NULL);
}

static void hear(struct pending *p)
{
	static char frame[LIMIT_STSREPORT];
	static struct sts_report r;
	ssize_t n = usock_recv(p->fd, frame, sizeof frame, NULL);

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0 || sts_report_get(&r, frame, (size_t)n) == -1) {
		r.letter = 'F';
		(void)snprintf(r.text, sizeof r.text, "%s",
			       n == 0 ? "the process that fetches has ended"
				      : "a report that was not understood");
	}
	if (r.letter == 'P')
		keep(p, &r);
	else
		do_without(p, &r);
}

/* ---- the beginning ---- */

static int ask(const struct pending *p, const char *id, int end)
{
	struct sbuf b = SBUF_INIT(LIMIT_STSREQUEST);
	int r = -1;

	if (sbuf_catz(&b, p->domain) == 0 && sbuf_catz(&b, id) == 0)
		r = usock_send(fetcher, b.p, b.len, end);
	sbuf_free(&b);
	return r;
}

/* One that holds for a day must not be over before it is fetched again. */
static int is_stale(const struct sts_record *r)
{
	uint64_t now = sts_now();
	uint64_t age = r->max_age / 2 < DAY ? r->max_age / 2 : DAY;

	return now < r->fetched || now - r->fetched >= age;
}

/* What is kept; an id only of what need not be fetched again: in force, and young. A file
 * that cannot be read is fetched anew. */
static const char *known(struct pending *p)
{
	static struct sts_record r;

	p->kept[0] = '\0';
	p->over = 0;
	if (sts_cache_get(p->domain, &r) != 1)
		return "";
	memcpy(p->kept, r.id, sizeof p->kept);
	set_life(p, &r);
	return is_stale(&r) ? "" : p->kept;
}

static int begin(struct pending *p, const char *domain, int of_round)
{
	int fds[2];
	int r;

	memcpy(p->domain, domain, strlen(domain) + 1);
	r = usock_pair(fds);
	if (r == 0) {
		r = ask(p, known(p), fds[1]);
		(void)close(fds[1]);
		if (r == -1)
			(void)close(fds[0]);
	}
	if (r == -1) {
		warn_sys2("look up", domain);
		p->domain[0] = '\0';
		return -1;
	}
	p->fd = fds[0];
	p->began = clock_mono_ms();
	p->of_round = of_round;
	tour.running += (unsigned)of_round;
	return 0;
}

int sts_pending_start(const char *domain)
{
	struct pending *p;

	if (find(domain) != NULL)
		return 0;
	p = find("");
	return p != NULL ? begin(p, domain, 0) : -1;
}

void sts_pending_fill(struct pollfd *w)
{
	for (size_t i = 0; i < STS_PENDING; i++)
		w[i] = (struct pollfd){
		    .fd = pendings[i].domain[0] != '\0' ? pendings[i].fd : -1,
		    .events = POLLIN};
}

void sts_pending_hear(const struct pollfd *w)
{
	for (size_t i = 0; i < STS_PENDING; i++)
		if (w[i].revents != 0 && pendings[i].domain[0] != '\0' &&
		    pendings[i].fd == w[i].fd)
			hear(&pendings[i]);
}

/* ---- the round ---- */

static int wants_fetching(const char *domain)
{
	static struct sts_record r;

	if (sts_is_recent(domain, clock_mono_ms()) || sts_is_pending(domain))
		return 0;
	return sts_cache_get(domain, &r) == 1 && r.mode != 'N' && is_stale(&r);
}

static void step(void)
{
	for (int i = 0; i < STEP; i++) {
		struct pending *p = find("");

		if (tour.domain[0] != '\0') {
			if (p == NULL || tour.running >= ROUND_MOST)
				return;
			(void)begin(p, tour.domain, 1);
			tour.domain[0] = '\0';
		}
		sts_cache_next(tour.domain);
		if (tour.domain[0] == '\0') {
			tour.next = clock_mono_ms() + ROUND_MS;
			return;
		}
		if (!wants_fetching(tour.domain))
			tour.domain[0] = '\0';
	}
}

/* A process that hangs on beyond its own deadline is not waited for. */
static void end_late(void)
{
	static const struct sts_report late = {.letter = 'F',
					       .text = "it takes too long"};
	int64_t now = clock_mono_ms();

	for (struct pending *p = pendings; p < pendings + STS_PENDING; p++)
		if (p->domain[0] != '\0' && now - p->began > STS_FETCH_MS + GRACE_MS)
			do_without(p, &late);
}

int sts_pending_wait_ms(void)
{
	int left = clock_left_ms(tour.next);

	for (const struct pending *p = pendings; p < pendings + STS_PENDING; p++)
		if (p->domain[0] != '\0')
			left = 0;
	return left < TICK_MS || sts_clients_next() != NULL ? TICK_MS : left;
}

void sts_pending_tick(void)
{
	const char *domain;

	end_late();
	while ((domain = sts_clients_next()) != NULL && sts_pending_start(domain) == 0)
		;
	if (clock_mono_ms() >= tour.next)
		step();
}
