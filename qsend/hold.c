/* What the keeper does to messages: retry, hold, release, delete, move, take. The
 * door (door.c) hands in a request with up to KEEPER_IDS ids; all of them are looked
 * up in one pass over what waits, so that a batch takes milliseconds beside 100,000
 * messages.
 *
 * A message waits (one entry, or two), is held (one entry in q->held), or is loaded.
 * What is held has no due time: nothing but a release moves it. A loaded one gives no
 * more jobs from then on, and is held or removed when those under way have reported.
 * Holding is remembered by a record H in the journal; a message that cannot be noted
 * so is not held. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper.h"
#include "log.h"
#include "logout.h"
#include "prog.h"
#include "qlog.h"
#include "sbuf.h"

/* One id of a request, and what waits of it. */
struct pick {
	uint64_t ns;
	uint32_t random;
	uint8_t waits; /* entry is it */
	uint8_t held;  /* it was in q->held */
	size_t place;  /* in the request */
	struct entry entry;
};

struct picks {
	struct sched *q;
	struct pick *p;
	size_t n;
	int take;      /* entries are taken out; else made due */
	int from_held; /* the heap that is walked is q->held */
};

static void push(struct due *d, const struct entry *e)
{
	if (due_push(d, e) == -1)
		die_sys(EXIT_TEMP, "remember a message");
}

/* ---- ids ---- */

static int by_id(const void *a, const void *b)
{
	const struct pick *x = a;
	const struct pick *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->random > y->random) - (x->random < y->random);
}

static struct pick *find(const struct picks *s, const struct entry *e)
{
	struct pick key = {.ns = e->ns, .random = e->random};
	struct pick *p = bsearch(&key, s->p, s->n, sizeof *s->p, by_id);

	while (p != NULL && p > s->p && by_id(p, p - 1) == 0)
		p--; /* named twice: the first */
	return p;
}

/* Of two halves one entry stays: the older history counts. */
static void keep_entry(struct pick *p, const struct entry *e, int held)
{
	if (!p->waits || e->tries > p->entry.tries)
		p->entry = *e;
	p->waits = 1;
	p->held |= (uint8_t)held;
}

static enum due_change take_entry(void *arg, struct entry *e)
{
	struct picks *s = arg;
	struct pick *p = find(s, e);

	if (p == NULL)
		return DUE_KEPT;
	keep_entry(p, e, s->from_held);
	return DUE_TAKEN;
}

static void make_due(const struct sched *q, struct entry *e)
{
	if (e->due > q->now.mono)
		e->due = q->now.mono;
	e->flags &= (uint8_t) ~(ENTRY_RESUMED | ENTRY_RESTED);
	e->flags |= ENTRY_INSIST;
}

static enum due_change retry_entry(void *arg, struct entry *e)
{
	struct picks *s = arg;
	struct pick *p = find(s, e);

	if (p == NULL)
		return DUE_KEPT;
	keep_entry(p, e, s->from_held);
	if (s->from_held)
		return DUE_KEPT;
	make_due(s->q, e);
	turns_forgive_one(s->q, e->dest);
	return DUE_CHANGED;
}

static void walk_heap(void *arg, struct due *d)
{
	struct picks *s = arg;

	s->from_held = d == &s->q->held;
	(void)due_walk(d, s->take ? take_entry : retry_entry, s);
}

/* Ids sorted, and each entry of theirs found. -1: no memory. */
static int pick(struct picks *s, struct sched *q, const struct keeper_request *r)
{
	*s = (struct picks){.q = q, .take = r->ask != KEEPER_RETRY};
	s->p = calloc(r->n + 1, sizeof *s->p);
	if (s->p == NULL)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		struct pick *p = &s->p[s->n];

		p->place = i;
		if (qid_split(keeper_id(r, i), &p->ns, &p->random) == 0)
			s->n++;
	}
	qsort(s->p, s->n, sizeof *s->p, by_id);
	heaps_each(q, walk_heap, s);
	return 0;
}

/* ---- the journal and the log ---- */

static void say_begin(struct qlog *l, char ask)
{
	switch (ask) {
	case KEEPER_HOLD:
		qlog_begin(l, "hold");
		break;
	case KEEPER_RELEASE:
		qlog_begin(l, "release");
		break;
	case KEEPER_TAKE:
		qlog_begin(l, "take");
		break;
	case KEEPER_MOVE:
		qlog_begin(l, "move");
		break;
	default:
		qlog_begin(l, "delete");
	}
}

static void say(char ask, const char *id, uint32_t uid)
{
	struct qlog l;

	log_counts.removed += ask == KEEPER_DELETE || ask == KEEPER_MOVE;
	say_begin(&l, ask);
	qlog_id(&l, id);
	qlog_num(&l, "by", uid);
	qlog_end(&l);
}

static void no_record(void *arg, const struct journal_record *r)
{
	(void)arg;
	(void)r;
}

static int note_in(struct sched *q, struct journal *j, const char *id, int held)
{
	struct journal_record r = {.what = 'H', .held = (uint8_t)held};
	struct sbuf b = SBUF_INIT(256);
	int ok = journal_put(&b, id, j->len, &r);

	if (ok == 0)
		ok = journal_append(j, q->state, id, &b);
	sbuf_free(&b);
	if (ok == -1)
		warn_sys2("write the journal of", id);
	else
		noted_sync(q, id);
	return ok;
}

/* H into the journal of a message that is not loaded. */
static int note_held(struct sched *q, const char *id, int held)
{
	struct journal j;
	int ok = -1;

	if (journal_open(&j, q->state, id, no_record, NULL) == -1)
		warn_sys2("read the journal of", id);
	else
		ok = note_in(q, &j, id, held);
	journal_close(&j);
	return ok;
}

/* ---- one message that waits ---- */

/* Whatever passes here has a journal, or may have. */
static uint8_t noted(const struct entry *e)
{
	uint8_t found = e->flags & ENTRY_FOUND;

	return (e->flags & ENTRY_NEW) ? found | ENTRY_NEW | ENTRY_NOTED : found;
}

static void back_due(struct sched *q, struct entry e)
{
	e.due = q->now.mono;
	e.flags = noted(&e);
	push(&q->unsorted, &e);
}

static void back_held(struct sched *q, struct entry e)
{
	e.due = UINT32_MAX;
	e.flags = (uint8_t)(noted(&e) | ENTRY_HELD);
	push(&q->held, &e);
}

static char hold_waiting(struct sched *q, const struct pick *p, const char *id)
{
	int ok = p->held || note_held(q, id, 1) == 0;

	if (ok)
		back_held(q, p->entry);
	else
		back_due(q, p->entry);
	return ok ? 'K' : 'Z';
}

static char release_waiting(struct sched *q, const struct pick *p, const char *id)
{
	int ok = !p->held || note_held(q, id, 0) == 0;

	if (ok)
		back_due(q, p->entry);
	else
		back_held(q, p->entry);
	return ok ? 'K' : 'Z';
}

static char remove_waiting(struct sched *q, const struct pick *p, const char *id)
{
	logout_flush();
	if (unlinkat(q->cur, id, 0) == -1 && errno != ENOENT) {
		warn_sys2("remove message", id);
		if (p->held)
			back_held(q, p->entry);
		else
			back_due(q, p->entry);
		return 'Z';
	}
	journal_remove(q, id);
	q->messages--;
	return 'K';
}

/* ---- one message that is loaded ---- */

/* Both halves give no more jobs; they end at once if none is under way. */
static void stop_halves(struct sched *q, struct msg *m)
{
	m->stopped = 1;
	msg_stop(q, m);
	msg_check(q, m);
}

static int is_busy(const struct msg *m)
{
	return m->half[ROUTE_LOCAL].running > 0 || m->half[ROUTE_REMOTE].running > 0;
}

static char hold_loaded(struct sched *q, struct msg *m, const struct pick *p, char ask,
			uint32_t uid)
{
	char letter = is_busy(m) ? 'W' : 'K';

	if (m->settling || m->bad) { /* decided: it is on its way out */
		if (p->waits)
			back_due(q, p->entry);
		return 'Z';
	}
	/* It is known; or a copy was made of what it is now: it goes now or not at all.
	 */
	if (ask == KEEPER_TAKE || ask == KEEPER_MOVE) {
		if (p->waits)
			back_due(q, p->entry);
		return ask == KEEPER_TAKE ? 'N' : 'Z';
	}
	if (ask == KEEPER_RELEASE || ask == KEEPER_HOLD) {
		if (note_in(q, &m->journal, m->id, ask == KEEPER_HOLD) == -1) {
			if (p->waits)
				back_due(q, p->entry);
			return 'Z';
		}
		m->held = ask == KEEPER_HOLD;
	} else {
		m->removed = ask;
		m->remover = uid;
	}
	if (m->held || m->removed)
		stop_halves(q, m);
	else if (p->waits)
		back_due(q, p->entry);
	return letter;
}

void hold_settle(struct sched *q, struct msg *m)
{
	struct entry e = m->key;

	e.flags &= ENTRY_FOUND;
	if (m->held)
		back_held(q, e);
	else
		back_due(q, e);
	msg_unload(q, m);
}

/* It may have been loaded for one of its two halves. */
void hold_entry(struct sched *q, const struct entry *e)
{
	heaps_forget(q, e->ns, e->random);
	back_held(q, *e);
}

/* ---- a request ---- */

/* qctl-queue has put the file into cur/ itself. */
static char take_file(struct sched *q, const struct pick *p, const char *id)
{
	struct entry e = {
	    .ns = p->ns, .random = p->random, .seen = q->now.mono, .flags = ENTRY_NEW};
	struct stat st;

	if (fstatat(q->cur, id, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 'N';
	if (note_held(q, id, 1) == -1)
		return 'Z';
	q->messages++;
	back_held(q, e);
	return 'K';
}

static char do_waiting(struct sched *q, const struct pick *p, char ask, const char *id)
{
	switch (ask) {
	case KEEPER_HOLD:
		return hold_waiting(q, p, id);
	case KEEPER_RELEASE:
		return release_waiting(q, p, id);
	case KEEPER_TAKE: /* known before */
		if (p->held)
			back_held(q, p->entry);
		else
			back_due(q, p->entry);
		return 'N';
	default:
		return remove_waiting(q, p, id);
	}
}

static char retried(const struct msg *m, const struct pick *p)
{
	if (p->held || (m != NULL && m->held))
		return 'H';
	if (p->waits)
		return 'K';
	return m != NULL ? 'W' : 'N';
}

static char do_one(struct sched *q, const struct pick *p, char ask, const char *id,
		   uint32_t uid)
{
	struct entry key = {.ns = p->ns, .random = p->random};
	struct msg *m = msg_find(q, &key);
	char letter;

	if (ask == KEEPER_RETRY)
		return retried(m, p);
	if (m != NULL)
		letter = hold_loaded(q, m, p, ask, uid);
	else if (p->waits)
		letter = do_waiting(q, p, ask, id);
	else
		letter = ask == KEEPER_TAKE ? take_file(q, p, id) : 'N';
	/* A loaded one is logged as removed when it is. */
	if ((letter == 'K' && m == NULL) ||
	    (letter != 'Z' && letter != 'N' && m != NULL && ask != KEEPER_DELETE &&
	     ask != KEEPER_MOVE))
		say(ask, id, uid);
	return letter;
}

void hold_ids(struct sched *q, const struct keeper_request *r, uint32_t uid,
	      char *letters)
{
	struct picks s;

	memset(letters, 'N', r->n);
	letters[r->n] = '\0';
	if (pick(&s, q, r) == -1) {
		warn_sys("answer the keeper");
		memset(letters, 'Z', r->n);
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		letters[s.p[i].place] =
		    i > 0 && by_id(&s.p[i], &s.p[i - 1]) == 0
			? letters[s.p[i - 1].place] /* named twice */
			: do_one(q, &s.p[i], r->ask, keeper_id(r, s.p[i].place), uid);
	free(s.p);
}

void hold_log_removed(const struct msg *m)
{
	say(m->removed, m->id, m->remover);
}

static enum due_change retry_any(void *arg, struct entry *e)
{
	struct picks *s = arg;

	make_due(s->q, e);
	return DUE_CHANGED;
}

static void retry_heap(void *arg, struct due *d)
{
	struct picks *s = arg;

	if (d != &s->q->held)
		s->n += due_walk(d, retry_any, s);
}

uint64_t hold_retry_all(struct sched *q)
{
	struct picks s = {.q = q};

	heaps_each(q, retry_heap, &s);
	turns_forgive(q);
	return s.n;
}
