#include "dests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "ctlmap.h"
#include "job.h"
#include "num.h"
#include "relay.h"
#include "rnd.h"
#include "sum.h"

enum { TENTH = 100, SECOND = 1000, MINUTE = 60000, LOOK_AT = 8 };

void dests_init(struct dests *t)
{
	*t = (struct dests){.stirred = {NULL, NULL}};
	t->stirred.end = &t->stirred.head;
	t->open.end = &t->open.head;
	rnd_bytes(t->key, sizeof t->key);
}

/* ---- the control files ---- */

static struct ctlmap *load(const char *name, uint64_t min, uint64_t max)
{
	struct ctlmap *m = ctlmap_load(name, CTLMAP_COLON);
	const char *key;
	const char *value;
	unsigned line;
	uint64_t n;

	if (m == NULL)
		return NULL;
	for (size_t i = 0; ctlmap_at(m, i, &key, &value, &line); i++) {
		if (num_parse(value, max, &n) == 0 && n >= min)
			continue;
		ctlmap_free(m);
		(void)control_wrong(name, line, "the number is too small or too big");
		return NULL;
	}
	return m;
}

/* host, then each .parent of it, then the line without a name. */
static unsigned look_up(const struct ctlmap *m, const char *host, unsigned otherwise)
{
	const char *value = m != NULL ? ctlmap_get(m, host, NULL, NULL) : NULL;
	uint64_t n;

	if (m == NULL)
		return otherwise;
	for (; value == NULL && (host = strchr(host, '.')) != NULL; host++)
		value = ctlmap_get(m, host, NULL, NULL);
	if (value == NULL)
		value = ctlmap_get(m, "", NULL, NULL);
	if (value == NULL || num_parse(value, LIMIT_DESTRATE, &n) == -1)
		return otherwise;
	return (unsigned)n;
}

static void set_limits(const struct dests *t, struct dest *d)
{
	d->limit = look_up(t->limits, d->name, DEST_LIMIT);
	d->rate = look_up(t->rates, d->name, 0);
	if (d->window > d->limit)
		d->window = d->limit;
}

int dests_load(struct dests *t)
{
	struct ctlmap *limits = load("destconcurrency", 1, LIMIT_DESTCONCURRENCY);
	struct ctlmap *rates = limits ? load("destrate", 0, LIMIT_DESTRATE) : NULL;

	if (rates == NULL) {
		ctlmap_free(limits);
		return -1;
	}
	ctlmap_free(t->limits);
	ctlmap_free(t->rates);
	t->limits = limits;
	t->rates = rates;
	for (struct dest *d = t->oldest; d != NULL; d = d->newer) {
		set_limits(t, d);
		dest_stir(t, d);
	}
	return 0;
}

/* ---- the table ---- */

uint32_t dests_hash(const struct dests *t, const char *relay, const char *domain)
{
	const char *name = *relay != '\0' ? relay : domain;
	uint8_t sum[SUM_LEN];
	uint32_t hash;
	struct sum s;

	sum_init(&s);
	sum_add(&s, t->key, sizeof t->key);
	sum_add(&s, name, strlen(name));
	sum_end(&s, sum);
	memcpy(&hash, sum, sizeof hash);
	return hash + !hash;
}

static struct dest **bucket(struct dests *t, uint32_t hash)
{
	return &t->buckets[hash % DEST_BUCKETS];
}

struct dest *dests_find(const struct dests *t, uint32_t hash)
{
	struct dest *d = t->buckets[hash % DEST_BUCKETS];

	while (d != NULL && d->hash != hash)
		d = d->in_bucket;
	return d;
}

static void unlink_age(struct dests *t, struct dest *d)
{
	*(d->older ? &d->older->newer : &t->oldest) = d->newer;
	*(d->newer ? &d->newer->older : &t->newest) = d->older;
}

static void link_newest(struct dests *t, struct dest *d)
{
	d->older = t->newest;
	d->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = d;
	t->newest = d;
}

static void touch(struct dests *t, struct dest *d, int64_t now)
{
	d->touched = now;
	unlink_age(t, d);
	link_newest(t, d);
}

static int is_idle(const struct dest *d)
{
	size_t n = 0;

	for (int i = 0; i < DEST_LANES; i++)
		n += d->waiting[i].n;
	return n == 0 && d->used == 0 && d->parked == NULL && !d->is_stirred &&
	       !d->is_open;
}

static void free_dest(struct dest *d)
{
	for (int i = 0; i < DEST_LANES; i++)
		due_free(&d->waiting[i]);
	free(d);
}

static void drop(struct dests *t, struct dest *d)
{
	struct dest **at = bucket(t, d->hash);

	while (*at != d)
		at = &(*at)->in_bucket;
	*at = d->in_bucket;
	unlink_age(t, d);
	t->n--;
	free_dest(d);
}

/* Nothing is known of it that a new one would not begin with. */
static int is_plain(const struct dest *d, int64_t now)
{
	return d->changed == 0 && d->window <= DEST_START && d->next <= now;
}

static int is_old(const struct dest *d, int64_t now)
{
	int64_t keep = is_plain(d, now) ? DEST_PLAIN_MEMORY : DEST_MEMORY;

	return now - d->touched >= keep * SECOND;
}

/* A look at a few, as a clock's hand goes round. */
static void make_room(struct dests *t, int64_t now)
{
	struct dest *d = t->oldest;
	struct dest *next;

	for (int i = 0; i < LOOK_AT && d != NULL; i++, d = next) {
		next = d->newer;
		if (is_idle(d) && (t->n >= DESTS_MAX || is_old(d, now)))
			drop(t, d);
		else {
			unlink_age(t, d);
			link_newest(t, d);
		}
	}
}

static void name_of(const char *relay, const char *domain, char name[DEST_NAME + 1])
{
	struct relay_hop hop = {0};
	size_t n;

	if (*relay != '\0' && relay_next(&relay, &hop) == 1)
		domain = hop.host;
	n = strlen(domain);
	if (n > DEST_NAME)
		n = DEST_NAME;
	memcpy(name, domain, n);
	name[n] = '\0';
}

struct dest *dests_get(struct dests *t, uint32_t hash, const char *relay,
		       const char *domain, int64_t now)
{
	struct dest *d = dests_find(t, hash);
	char name[DEST_NAME + 1];
	size_t len;

	if (d != NULL) {
		touch(t, d, now);
		return d;
	}
	make_room(t, now);
	if (t->n >= DESTS_MAX)
		return NULL;
	name_of(relay, domain, name);
	len = strlen(name);
	d = calloc(1, sizeof *d + len + 1);
	if (d == NULL)
		return NULL;
	memcpy(d->name, name, len);
	d->hash = hash;
	d->window = DEST_START;
	d->parked_end = &d->parked;
	d->in_bucket = *bucket(t, hash);
	*bucket(t, hash) = d;
	d->touched = now;
	link_newest(t, d);
	t->n++;
	set_limits(t, d);
	return d;
}

/* ---- may it get a job? ---- */

enum dest_can dest_ask(const struct dest *d, int64_t now, int insist)
{
	if (!insist && now < d->dead_until)
		return DEST_PASS;
	if (now < d->next || d->used >= (insist ? d->limit : d->window) ||
	    (!insist && now < d->slow_until))
		return DEST_WAIT;
	return DEST_GO;
}

void dest_take(struct dests *t, struct dest *d, int64_t now)
{
	int64_t step = d->rate > 0 ? MINUTE / (int64_t)d->rate : 0;

	if (step < (int64_t)d->gap * SECOND)
		step = (int64_t)d->gap * SECOND;
	d->used++;
	/* Timers come each tenth of a second: what was late is made good. */
	if (d->next < now - TENTH)
		d->next = now - TENTH;
	if (step > 0)
		d->next = (step > TENTH ? now : d->next) + step;
	touch(t, d, now);
}

void dest_give(struct dests *t, struct dest *d)
{
	d->used--;
	dest_stir(t, d);
}

static unsigned grown(unsigned v, unsigned first, unsigned max)
{
	return v == 0 ? first : v < max / 2 ? 2 * v : max;
}

static enum dest_news slow_down(struct dest *d, int64_t now)
{
	d->window = d->window > 1 ? d->window / 2 : 1;
	d->good = 0;
	d->gap = grown(d->gap, DEST_GAP, DEST_GAP_MAX);
	d->slow = grown(d->slow, DEST_SLOW, DEST_SLOW_MAX);
	d->slow_until = now + (int64_t)d->slow * SECOND;
	d->changed = now;
	return DEST_IS_SLOW;
}

static enum dest_news die(struct dest *d, int64_t now)
{
	d->window = 1;
	d->good = 0;
	d->dead = grown(d->dead, DEST_DEAD, DEST_DEAD_MAX);
	d->dead_until = now + (int64_t)d->dead * SECOND;
	d->changed = now;
	return DEST_IS_DEAD;
}

static void grow(struct dest *d)
{
	if (++d->good < d->window)
		return;
	d->good = 0;
	if (d->window < d->limit)
		d->window++;
	if (d->gap > 0)
		d->gap--;
	d->slow /= 2;
}

static enum dest_news live(struct dest *d)
{
	int was_dead = d->dead > 0;

	d->dead = 0;
	d->dead_until = 0;
	return was_dead ? DEST_IS_BACK : DEST_SAME;
}

enum dest_news dest_tell(struct dest *d, char pace, int good, int64_t began, int64_t now)
{
	int is_fresh = d->changed == 0 || began >= d->changed;
	enum dest_news news;

	switch (pace) {
	case PACE_NO_NETWORK:
		return DEST_SAME;
	case PACE_UNREACHABLE:
		return is_fresh ? die(d, now) : DEST_SAME;
	case PACE_SLOW:
		news = live(d);
		return is_fresh ? slow_down(d, now) : news;
	default:
		if (good)
			grow(d);
		return good ? live(d) : DEST_SAME;
	}
}

void dest_forgive(struct dest *d)
{
	d->slow_until = d->dead_until = 0;
}

int dest_rests(const struct dest *d, int64_t now)
{
	return now < d->slow_until || now < d->dead_until;
}

/* ---- who is to be looked at, and when ---- */

int dest_has_due(const struct dest *d, uint32_t now_s)
{
	for (int i = 0; i < DEST_LANES; i++)
		if (d->waiting[i].n > 0 && due_top(&d->waiting[i])->due <= now_s)
			return 1;
	return 0;
}

void dest_stir(struct dests *t, struct dest *d)
{
	if (d->is_stirred)
		return;
	d->is_stirred = 1;
	d->next_stirred = NULL;
	*t->stirred.end = d;
	t->stirred.end = &d->next_stirred;
}

struct dest *dests_stirred(struct dests *t)
{
	struct dest *d = t->stirred.head;

	if (d == NULL)
		return NULL;
	t->stirred.head = d->next_stirred;
	if (t->stirred.head == NULL)
		t->stirred.end = &t->stirred.head;
	d->is_stirred = 0;
	return d;
}

void dest_open(struct dests *t, struct dest *d)
{
	if (d->is_open)
		return;
	d->is_open = 1;
	d->next_open = NULL;
	*t->open.end = d;
	t->open.end = &d->next_open;
}

struct dest *dests_open(struct dests *t)
{
	struct dest *d = t->open.head;

	if (d == NULL)
		return NULL;
	t->open.head = d->next_open;
	if (t->open.head == NULL)
		t->open.end = &t->open.head;
	d->is_open = 0;
	return d;
}

/* Rests and pace alone; a seat that is given back stirs by itself. */
static int64_t free_at(const struct dest *d, int64_t now)
{
	int64_t at = now < d->dead_until ? now : d->slow_until;

	return at > d->next ? at : d->next;
}

static int64_t look_at(const struct dest *d, int64_t now)
{
	int64_t at = INT64_MAX;
	int is_now = d->parked != NULL;

	for (int i = 0; i < DEST_LANES; i++) {
		const struct entry *e = due_top(&d->waiting[i]);

		if (e == NULL)
			continue;
		if ((int64_t)e->due * SECOND <= now)
			is_now = 1;
		else if ((int64_t)e->due * SECOND < at)
			at = (int64_t)e->due * SECOND;
	}
	/* What waits for a seat alone needs no timer. */
	if (is_now && free_at(d, now) > now && free_at(d, now) < at)
		at = free_at(d, now);
	return at;
}

void dest_arm(struct dests *t, struct dest *d, int64_t now)
{
	int64_t at = look_at(d, now);
	struct entry e = {.ns = d->hash};

	if (at == INT64_MAX)
		return;
	e.due = (uint32_t)((at + TENTH - 1) / TENTH);
	if (d->armed != 0 && d->armed <= e.due)
		return;
	/* Without memory it is looked at when something else happens there. */
	if (due_push(&t->timers, &e) == 0)
		d->armed = e.due;
}

void dests_tick(struct dests *t, int64_t now)
{
	const struct entry *e;

	while ((e = due_top(&t->timers)) != NULL && (int64_t)e->due * TENTH <= now) {
		struct entry timer = due_pop(&t->timers);
		struct dest *d = dests_find(t, (uint32_t)timer.ns);

		if (d == NULL || d->armed != timer.due)
			continue;
		d->armed = 0;
		dest_stir(t, d);
	}
}

int64_t dests_next(const struct dests *t)
{
	const struct entry *e = due_top(&t->timers);

	return e != NULL ? (int64_t)e->due * TENTH : INT64_MAX;
}

void dests_free(struct dests *t)
{
	struct dest *next;

	for (struct dest *d = t->oldest; d != NULL; d = next) {
		next = d->newer;
		free_dest(d);
	}
	due_free(&t->timers);
	ctlmap_free(t->limits);
	ctlmap_free(t->rates);
	dests_init(t);
}
