/* A message in memory: head, envelope, where its recipients go, what its journal
 * says. The message itself is never read here. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "prog.h"
#include "qread.h"

static struct msg **bucket(struct sched *q, const struct entry *e)
{
	return &q->buckets[e->random % BUCKETS];
}

struct msg *msg_find(struct sched *q, const struct entry *e)
{
	struct msg *m = *bucket(q, e);

	while (m != NULL && (m->key.ns != e->ns || m->key.random != e->random))
		m = m->next;
	return m;
}

void msg_close(struct msg *m)
{
	int e = errno;

	if (m->fd != -1)
		(void)close(m->fd);
	journal_close(&m->journal);
	free(m->bytes);
	free(m->rcpts);
	free(m);
	errno = e;
}

void msg_unload(struct sched *q, struct msg *m)
{
	struct msg **at = bucket(q, &m->key);

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	q->loaded--;
	msg_close(m);
}

/* What is no address stays with the local channel until its turn, which fails it. */
static void route_one(const struct sched *q, struct rcpt *r, const char *address)
{
	struct route_to to;

	r->channel = ROUTE_LOCAL;
	if (route_address(q->route, address, &to, NULL, NULL) == -1 ||
	    to.kind == ROUTE_LOCAL)
		return;
	r->channel = ROUTE_REMOTE;
	r->dest = dests_hash(&q->dests, to.relay, to.domain);
}

static int route_all(const struct sched *q, struct msg *m)
{
	const char *at = m->env.rcpts;
	struct envelope_rcpt r;

	m->rcpts = calloc(m->env.nrcpts, sizeof *m->rcpts);
	if (m->rcpts == NULL)
		return -1;
	for (size_t i = 0; i < m->env.nrcpts; i++) {
		m->rcpts[i].at = (uint32_t)(at - m->bytes);
		at = envelope_rcpt(&m->env, at, &r);
		m->rcpts[i].notify = (uint8_t)r.notify;
		route_one(q, &m->rcpts[i], r.address);
	}
	return 0;
}

static void replay(void *arg, const struct journal_record *r)
{
	struct msg *m = arg;
	struct rcpt *p;

	if (r->what == 'W')
		m->warned = 1;
	if (r->what == 'H')
		m->held = r->held;
	if (!journal_of_rcpt(r) || r->index >= m->env.nrcpts)
		return;
	p = &m->rcpts[r->index];
	p->good = r->what;
	if (r->what == 'Z') {
		if (*r->text != '\0')
			(void)snprintf(m->later, sizeof m->later, "%s", r->text);
		if (strcmp(m->later, CORRUPT_TEXT) == 0)
			p->good = 'B';
	}
	if (journal_is_good(r->what))
		p->state = RCPT_DONE;
	else if (r->what == 'D')
		p->state = tell_is_failure_wanted(p->notify) ? RCPT_FAILED : RCPT_DONE;
	else
		p->state = RCPT_TODO;
}

static int read_journal(const struct sched *q, struct msg *m, int is_new)
{
	if (is_new)
		return 0;
	if (journal_open(&m->journal, q->state, m->id, replay, m) == -1)
		return -1;
	if (m->journal.cut > 0)
		warn_msg("queue/state/%s: torn tail of %llu bytes cut off", m->id,
			 (unsigned long long)m->journal.cut);
	return 0;
}

static int is_untouched(const struct entry *e)
{
	return (e->flags & (ENTRY_NEW | ENTRY_NOTED)) == ENTRY_NEW;
}

static int is_told(const struct rcpt *r)
{
	return r->good != '\0' && r->good != 'K' && journal_is_good(r->good);
}

static void count(struct msg *m)
{
	for (size_t i = 0; i < m->env.nrcpts; i++) {
		m->todo += m->rcpts[i].state == RCPT_TODO;
		m->spoilt += m->rcpts[i].state == RCPT_TODO && m->rcpts[i].good == 'B';
		m->failed += m->rcpts[i].state == RCPT_FAILED;
		m->told += is_told(&m->rcpts[i]);
	}
}

static struct msg *make(const struct entry *e)
{
	struct msg *m = calloc(1, sizeof *m);

	if (m == NULL)
		return NULL;
	m->key = *e;
	qid_make(m->id, e->ns, e->random);
	m->birth = e->ns / 1000000000;
	m->fd = -1;
	m->journal.fd = -1;
	for (int c = 0; c < CHANNELS; c++)
		m->half[c].msg = m;
	return m;
}

struct msg *msg_open(const struct sched *q, const struct entry *e)
{
	struct msg *m = make(e);

	if (m == NULL)
		return NULL;
	m->fd = openat(q->cur, m->id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (m->fd != -1 && qread(m->fd, &m->head, &m->bytes, &m->env) == 0 &&
	    route_all(q, m) == 0)
		return m;
	msg_close(m);
	return NULL;
}

/* The file is gone, torn, or cannot be had at this moment. */
static enum load explain(struct sched *q, const struct entry *e)
{
	char id[QID_LEN + 1];

	qid_make(id, e->ns, e->random);
	if (errno == ENOENT) {
		log_gone(id);
		(void)unlinkat(q->state, id, 0);
		forget(q, id);
		return LOAD_GONE;
	}
	if (errno == EBADMSG || errno == ELOOP) {
		return set_aside(q, id, "head or envelope is corrupt") == 0 ? LOAD_BAD
									    : LOAD_LATER;
	}
	warn_sys2("read message", id);
	return LOAD_LATER;
}

enum load msg_load(struct sched *q, const struct entry *e, struct msg **to)
{
	struct msg *m = msg_open(q, e);

	if (m != NULL && read_journal(q, m, is_untouched(e)) == -1) {
		msg_close(m);
		m = NULL;
	}
	if (m == NULL)
		return explain(q, e);
	count(m);
	m->next = *bucket(q, e);
	*bucket(q, e) = m;
	q->loaded++;
	if (q->loaded > OPEN_MAX_KEPT) {
		(void)close(m->fd);
		m->fd = -1;
	}
	if (e->flags & ENTRY_NEW)
		log_new(m);
	*to = m;
	return LOAD_OK;
}
