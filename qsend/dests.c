#include "dests.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "ctlmap.h"
#include "num.h"
#include "relay.h"
#include "rnd.h"
#include "sum.h"

enum { TENTH = 100, SECOND = 1000, LOOK_AT = 8 };

void dests_init(struct dests *t)
{
	*t = (struct dests){.stirred = {.link = DEST_STIRRED},
			    .open = {.link = DEST_OPEN}};
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

void dest_touch(struct dests *t, struct dest *d, int64_t now)
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
	for (int i = 0; i < DEST_LINKS; i++)
		n += d->is_in[i];
	return n == 0 && d->used == 0 && d->parked == NULL;
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
		dest_touch(t, d, now);
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

/* ---- who is to be looked at, and when ---- */

int dest_has_due(const struct dest *d, uint32_t now_s)
{
	for (int i = 0; i < DEST_LANES; i++)
		if (d->waiting[i].n > 0 && due_top(&d->waiting[i])->due <= now_s)
			return 1;
	return 0;
}

static void put(struct dest_queue *q, struct dest *d)
{
	if (d->is_in[q->link])
		return;
	d->is_in[q->link] = 1;
	d->next_in[q->link] = NULL;
	*q->end = d;
	q->end = &d->next_in[q->link];
}

static struct dest *take(struct dest_queue *q)
{
	struct dest *d = q->head;

	if (d == NULL)
		return NULL;
	q->head = d->next_in[q->link];
	if (q->head == NULL)
		q->end = &q->head;
	d->is_in[q->link] = 0;
	return d;
}

void dest_stir(struct dests *t, struct dest *d)
{
	put(&t->stirred, d);
}

struct dest *dests_stirred(struct dests *t)
{
	return take(&t->stirred);
}

void dest_open(struct dests *t, struct dest *d)
{
	put(&t->open, d);
}

struct dest *dests_open(struct dests *t)
{
	return take(&t->open);
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
