/* What the keeper does to messages: retry, hold, release, delete, move, take. The
 * door (door.c) hands in a request with up to KEEPER_IDS ids; pick.c looks them up.
 *
 * A message waits (one entry, or two), is held (one entry in q->held), or is loaded.
 * What is held has no due time: nothing but a release moves it. A loaded one gives no
 * more jobs from then on, and is held or removed when those under way have reported.
 * Holding is remembered by a record H in the journal; a message that cannot be noted
 * so is not held. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keeper.h"
#include "log.h"
#include "logout.h"
#include "pick.h"
#include "prog.h"
#include "qlog.h"
#include "sbuf.h"

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
	wait_push(&q->unsorted, &e);
}

static void back_held(struct sched *q, struct entry e)
{
	e.due = UINT32_MAX;
	e.flags = (uint8_t)(noted(&e) | ENTRY_HELD);
	wait_push(&q->held, &e);
}

static void back(struct sched *q, const struct pick *p)
{
	if (p->held)
		back_held(q, p->entry);
	else
		back_due(q, p->entry);
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
		back(q, p);
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

static char order_loaded(struct sched *q, struct msg *m, char ask, uint32_t uid)
{
	char letter = is_busy(m) ? 'W' : 'K';

	if (m->settling || m->bad) /* decided: it is on its way out */
		return 'Z';
	switch (ask) {
	case KEEPER_TAKE: /* it is known */
		return 'N';
	case KEEPER_MOVE: /* a copy was made of what it was: it goes now or not at all */
		return 'Z';
	case KEEPER_HOLD:
	case KEEPER_RELEASE:
		if (note_in(q, &m->journal, m->id, ask == KEEPER_HOLD) == -1)
			return 'Z';
		m->held = ask == KEEPER_HOLD;
		return letter;
	default:
		m->removed = ask;
		m->remover = uid;
		return letter;
	}
}

static int is_done(char letter)
{
	return letter == 'K' || letter == 'W';
}

static char hold_loaded(struct sched *q, struct msg *m, const struct pick *p, char ask,
			uint32_t uid)
{
	char letter = order_loaded(q, m, ask, uid);

	if (is_done(letter) && (m->held || m->removed))
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
		back(q, p);
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
	    (is_done(letter) && m != NULL && ask != KEEPER_DELETE))
		say(ask, id, uid);
	return letter;
}

void hold_ids(struct sched *q, const struct keeper_request *r, uint32_t uid,
	      char *letters)
{
	struct picks s;

	memset(letters, 'N', r->n);
	letters[r->n] = '\0';
	if (picks_make(&s, q, r) == -1) {
		warn_sys("answer the keeper");
		memset(letters, 'Z', r->n);
		return;
	}
	for (size_t i = 0; i < s.n; i++)
		letters[s.p[i].place] =
		    picks_again(&s, i)
			? letters[s.p[i - 1].place] /* named twice */
			: do_one(q, &s.p[i], r->ask, keeper_id(r, s.p[i].place), uid);
	picks_free(&s);
}

void hold_log_removed(const struct msg *m)
{
	say(m->removed, m->id, m->remover);
}
