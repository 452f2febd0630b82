/* Notifications, asked of qbounce: of messages that are decided, which stay loaded until
 * the notification is accepted; and warnings of delay, of which an id is all that is
 * kept: the message itself may be tried, or be gone, in the meantime. */
#include "sched.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounce.h"
#include "dsn.h"
#include "job.h"
#include "log.h"
#include "prog.h"
#include "sbuf.h"
#include "usock.h"

struct warning {
	struct warning *next;
	char id[QID_LEN + 1];
	uint64_t until;
};

/* One of them under way: the one or the other. */
static struct place {
	struct msg *m;
	struct warning *w;
} places[BOUNCES];

static struct {
	struct msg *head;
	struct msg **end;
	unsigned n;
} ends = {NULL, &ends.head, 0};

static struct {
	struct warning *head;
	struct warning **end;
	unsigned n;
} warnings = {NULL, &warnings.head, 0};

static struct msg *take_end(void)
{
	struct msg *m = ends.head;

	ends.head = m->queued;
	if (ends.head == NULL)
		ends.end = &ends.head;
	ends.n--;
	return m;
}

static struct warning *take_warning(void)
{
	struct warning *w = warnings.head;

	warnings.head = w->next;
	if (warnings.head == NULL)
		warnings.end = &warnings.head;
	warnings.n--;
	return w;
}

/* ---- what qbounce says ---- */

static void end_msg(struct sched *q, struct msg *m, char letter, const char *text)
{
	switch (letter) {
	case 'K':
		log_bounce(m, text);
		msg_remove(q, m);
		return;
	case 'B':
	case 'D':
		if (set_aside(q, m->id,
			      letter == 'B' ? "head or envelope is corrupt" : text) == -1)
			wait_unsorted(q, m, BOUNCE_PAUSE);
		break;
	default:
		warn_msg("no notification for %s yet: %s", m->id, text);
		wait_unsorted(q, m, BOUNCE_PAUSE);
	}
	msg_unload(q, m);
}

/* A warning that could not be made is not made later: the next news is the end. */
static void end_warning(struct warning *w, char letter, const char *text)
{
	if (letter == 'K')
		log_warn(w->id, text);
	else
		warn_msg("no warning of the delay of %s: %s", w->id, text);
	free(w);
}

static void end_place(struct sched *q, struct place *p, char letter, const char *text)
{
	struct place done = *p;

	*p = (struct place){NULL, NULL};
	if (done.m != NULL)
		end_msg(q, done.m, letter, text);
	else
		end_warning(done.w, letter, text);
}

int notify_take(struct sched *q)
{
	char frame[8 + LIMIT_TEXT + 1];
	struct report r;
	ssize_t n;

	while ((n = usock_recv(q->bounce, frame, sizeof frame, NULL)) > 0) {
		struct place *p;

		if (report_get(&r, frame, (size_t)n) == -1 || r.slot >= BOUNCES ||
		    r.count != 1)
			return -1;
		p = &places[r.slot];
		if (p->m == NULL && p->w == NULL)
			return -1;
		end_place(q, p, r.letter[0], r.text[0]);
	}
	return n == -1 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : -1;
}

/* ---- what qbounce is told ---- */

static int send_frame(struct sched *q, const struct bounce_frame *f, int dir)
{
	static struct sbuf frame = SBUF_INIT(BOUNCE_FRAME);
	int fd = -1;
	int r = -1;
	int e;

	if (dir != -1)
		fd = openat(dir, f->id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (dir != -1 && fd == -1)
		return -1;
	if (bounce_put(&frame, f) == 0)
		r = usock_send(q->bounce, frame.p, frame.len, fd);
	e = errno;
	if (fd != -1)
		(void)close(fd);
	errno = e;
	return r;
}

/* Two frames, each with a descriptor. -1 with errno: EAGAIN to begin anew later. */
static int send_place(struct sched *q, uint16_t slot)
{
	const struct place *p = &places[slot];
	struct bounce_frame f = {.part = BOUNCE_MESSAGE,
				 .slot = slot,
				 .id = p->m != NULL ? p->m->id : p->w->id};

	if (send_frame(q, &f, q->cur) == -1)
		return -1;
	f.part = BOUNCE_JOURNAL;
	if (p->w != NULL) {
		f.part = BOUNCE_WARNING;
		f.until = p->w->until;
	}
	return send_frame(q, &f, q->state);
}

static int is_full(struct sched *q)
{
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		die_msg(EXIT_TEMP, "qbounce is gone");
	q->bounce_full = errno == EAGAIN || errno == EWOULDBLOCK;
	return q->bounce_full;
}

static int free_place(void)
{
	for (int i = 0; i < BOUNCES; i++)
		if (places[i].m == NULL && places[i].w == NULL)
			return i;
	return -1;
}

static int send_settings(struct sched *q)
{
	struct bounce_frame f = {.part = BOUNCE_SETTINGS, .settings = q->tell.bounce};

	if (send_frame(q, &f, -1) == 0) {
		q->tell.unsent = 0;
		return 0;
	}
	if (!is_full(q))
		die_sys(EXIT_TEMP, "tell qbounce its settings");
	return -1;
}

static void forget_first(const struct place *p)
{
	if (p->m != NULL)
		(void)take_end();
	else
		(void)take_warning();
}

/* The first one in line. 0: the socket is full. */
static int push_next(struct sched *q, int slot)
{
	struct place *p = &places[slot];
	int e = 0;

	p->m = ends.head;
	p->w = p->m == NULL ? warnings.head : NULL;
	if (send_place(q, (uint16_t)slot) == -1) {
		e = errno;
		if (is_full(q)) {
			*p = (struct place){NULL, NULL};
			return 0;
		}
	}
	forget_first(p);
	if (e != 0)
		end_place(q, p, 'Z', strerror(e));
	return 1;
}

void notify_push(struct sched *q)
{
	int slot;

	if (q->stopping || q->bounce_full || (q->tell.unsent && send_settings(q) == -1))
		return;
	while ((ends.head != NULL || warnings.head != NULL) &&
	       (slot = free_place()) != -1 && push_next(q, slot))
		;
}

unsigned bounces_running(void)
{
	unsigned n = 0;

	for (int i = 0; i < BOUNCES; i++)
		n += places[i].m != NULL || places[i].w != NULL;
	return n;
}

/* ---- what is to be told ---- */

/* A notification of a notification goes to the postmaster; one of that, nowhere. */
void notify_end(struct sched *q, struct msg *m)
{
	if (dsn_kind(m->env.sender) == DSN_DISCARD) {
		log_discard(m);
		msg_remove(q, m);
		return;
	}
	if (ends.n == BOUNCE_QUEUE) {
		wait_unsorted(q, m, BOUNCE_PAUSE);
		msg_unload(q, m);
		return;
	}
	m->queued = NULL;
	*ends.end = m;
	ends.end = &m->queued;
	ends.n++;
}

void notify_delay(struct sched *q, struct msg *m)
{
	struct warning *w;

	if (warnings.n == BOUNCE_QUEUE)
		return; /* at the end of its next pass */
	w = malloc(sizeof *w);
	if (w == NULL || !tell_delay(q, m)) {
		free(w);
		return;
	}
	w->next = NULL;
	memcpy(w->id, m->id, sizeof w->id);
	w->until = m->birth + q->conf.lifetime;
	*warnings.end = w;
	warnings.end = &w->next;
	warnings.n++;
}
