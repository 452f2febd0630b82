#include "notice.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "dsn.h"
#include "fdio.h"
#include "job.h"
#include "journal.h"
#include "prog.h"
#include "qread.h"
#include "rnd.h"
#include "submit.h"
#include "tell.h"
#include "usock.h"

enum { SUBMIT_MS = 60000, REPORT_MS = 10000, PIECE = 32768, BOUNDARY = 40 };

/* What the journal says of a recipient. */
struct history {
	struct envelope_rcpt r;
	char what;  /* its last record, or 0 */
	char *text; /* of that */
	time_t attempt;
};

struct notice {
	const struct notice_job *job;
	struct qfile_head head;
	struct envelope env;
	char *bytes;
	struct history *history;    /* by index */
	char later[LIMIT_TEXT + 1]; /* the last Z that has a text */
	struct dsn_rcpt *told;
	size_t ntold;
	uint64_t ncopy; /* bytes of the original that are returned */
	struct dsn dsn;
	char boundary[BOUNDARY];
};

/* ---- the answer ---- */

static _Noreturn void answer(const struct notice *n, char letter, const char *text)
{
	struct report r = {.slot = n->job->frame.slot, .count = 1};
	struct sbuf frame = SBUF_INIT(LIMIT_FRAME);
	int64_t deadline = clock_mono_ms() + REPORT_MS;

	r.letter[0] = letter;
	r.text[0] = text;
	if (report_put(&frame, &r) == -1)
		_exit(EXIT_TEMP);
	while (usock_send(n->job->socket, frame.p, frame.len, -1) == -1)
		if ((errno != EAGAIN && errno != EWOULDBLOCK) ||
		    fd_wait(n->job->socket, POLLOUT, deadline) == -1)
			_exit(EXIT_TEMP);
	_exit(0);
}

static _Noreturn void answer_errno(const struct notice *n, const char *what)
{
	char text[LIMIT_TEXT + 1];

	(void)snprintf(text, sizeof text, "unable to %s: %s", what, strerror(errno));
	answer(n, 'Z', text);
}

/* ---- the journal ---- */

/* An attempt has ended: that of all that were decided since the one before. */
static void take_attempt(struct notice *n, uint64_t when)
{
	for (size_t i = 0; i < n->env.nrcpts; i++)
		if (n->history[i].what != '\0' && n->history[i].attempt == 0)
			n->history[i].attempt = (time_t)when;
}

static void take_record(void *arg, const struct journal_record *r)
{
	struct notice *n = arg;
	struct history *h;
	const char *text = r->text;

	if (r->what == 'A')
		take_attempt(n, r->time);
	if (!journal_of_rcpt(r) || r->index >= n->env.nrcpts)
		return;
	h = &n->history[r->index];
	if (r->what == 'Z' && *text != '\0')
		(void)snprintf(n->later, sizeof n->later, "%s", text);
	else if (r->what == 'Z')
		text = n->later;
	h->what = r->what;
	h->attempt = 0;
	free(h->text);
	h->text = strdup(text);
	if (h->text == NULL)
		answer_errno(n, "read the journal");
}

static void read_journal(struct notice *n)
{
	const char *at = n->env.rcpts;
	uint64_t len;
	uint64_t size;

	n->history = calloc(n->env.nrcpts, sizeof *n->history);
	n->told = calloc(n->env.nrcpts, sizeof *n->told);
	if (n->history == NULL || n->told == NULL)
		answer_errno(n, "read the journal");
	for (size_t i = 0; i < n->env.nrcpts; i++)
		at = envelope_rcpt(&n->env, at, &n->history[i].r);
	if (journal_read(n->job->journal, n->job->frame.id, take_record, n, &len,
			 &size) == -1)
		answer_errno(n, "read the journal");
}

/* Is this recipient told of in this notification, and as what? */
static int is_told(const struct notice *n, const struct history *h,
		   enum dsn_action *action)
{
	if (n->job->frame.part == BOUNCE_WARNING) {
		*action = DSN_DELAYED;
		return (h->what == '\0' || h->what == 'Z') &&
		       tell_is_delay_wanted(h->r.notify);
	}
	switch (h->what) {
	case 'D':
		*action = DSN_FAILED;
		return tell_is_failure_wanted(h->r.notify);
	case 'S':
		*action = DSN_DELIVERED;
		return 1;
	case 'R':
		*action = DSN_RELAYED;
		return 1;
	case 'X':
		*action = DSN_EXPANDED;
		return 1;
	default:
		return 0;
	}
}

static void choose(struct notice *n)
{
	for (size_t i = 0; i < n->env.nrcpts; i++) {
		const struct history *h = &n->history[i];
		struct dsn_rcpt *t = &n->told[n->ntold];

		if (!is_told(n, h, &t->action))
			continue;
		t->address = h->r.address;
		t->orcpt = h->r.orcpt;
		t->text = h->text != NULL ? h->text : "";
		t->attempt = h->attempt;
		n->ntold++;
	}
	if (n->ntold == 0)
		answer(n, 'Z', "the journal names nothing to be told");
}

/* ---- the original ---- */

/* It is read twice, once to look; then it goes into the submission by pieces. */
typedef int piece_put(void *arg, const char *p, size_t n);

static void each_piece(const struct notice *n, uint64_t len, piece_put *put, void *arg)
{
	static char piece[PIECE];
	uint64_t at = qfile_msg_offset(&n->head);

	while (len > 0) {
		size_t want = len < PIECE ? (size_t)len : PIECE;
		ssize_t r = pread(n->job->queue_file, piece, want, (off_t)at);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == 0)
			errno = EBADMSG;
		if (r <= 0)
			answer_errno(n, "read the message");
		if (put(arg, piece, (size_t)r) == -1)
			return;
		at += (uint64_t)r;
		len -= (uint64_t)r;
	}
}

struct look {
	uint64_t at;
	uint64_t header; /* its length, */
	int has_end;     /* when its end was seen */
	int only_header;
	int is_8bit;
	char last;
};

static int look_at(void *arg, const char *p, size_t n)
{
	struct look *l = arg;

	for (size_t i = 0; i < n; i++, l->at++) {
		if (!l->has_end && p[i] == '\n' && l->last == '\n') {
			l->header = l->at;
			l->has_end = 1;
		}
		if (l->only_header && l->has_end)
			return -1;
		l->is_8bit |= (unsigned char)p[i] > 127;
		l->last = p[i];
	}
	return 0;
}

/* A success, or a warning, returns the header alone (RFC 3461 4.3); so does a failure of
 * a message that is too large. */
static void choose_copy(struct notice *n)
{
	uint64_t limit = n->job->settings->copy;
	uint64_t len = n->head.msg_len;
	struct dsn *d = &n->dsn;
	struct look l = {.last = '\n'};

	if (limit == 0)
		limit = len;
	d->header_only =
	    !dsn_has(d, DSN_FAILED) || (n->env.ret != NULL && *n->env.ret == 'H');
	if (!d->header_only && len > limit)
		d->header_only = d->is_cut = 1;
	if (len > limit)
		len = limit;
	l.only_header = d->header_only;
	each_piece(n, len, look_at, &l);
	n->ncopy = d->header_only && l.has_end ? l.header : len;
	d->is_8bit = l.is_8bit;
}

/* ---- the submission ---- */

/* The owner of a list that has an address for each recipient (VERP: the sender ends
 * in -@[]) gets one notification for all, without that end. */
static const char *recipient_of(const struct notice *n, char out[LIMIT_ADDRESS + 1])
{
	static const char verp[] = "-@[]";
	const char *sender = n->env.sender;
	size_t len = strlen(sender);

	if (dsn_kind(sender) == DSN_DOUBLE)
		return n->job->settings->doubled;
	(void)snprintf(out, LIMIT_ADDRESS + 1, "%s", sender);
	if (len > sizeof verp && strcmp(sender + len - (sizeof verp - 1), verp) == 0)
		out[len - (sizeof verp - 1)] = '\0';
	return out;
}

static int put_data(void *s, const char *p, size_t n)
{
	return submit_data(s, p, n);
}

static int put_envelope(struct submit *s, const char *sender, const char *to)
{
	struct sbuf env = SBUF_INIT(LIMIT_FRAME);
	int r = -1;

	if (sbuf_field(&env, 'F', sender) == 0 && sbuf_field(&env, 'T', to) == 0)
		r = submit_envelope(s, env.p, env.len);
	sbuf_free(&env);
	return r;
}

static void put_notice(struct notice *n, struct submit *s)
{
	struct dsn *d = &n->dsn;

	d->id = s->id;
	errno = 0;
	if (put_envelope(s, dsn_kind(d->sender) == DSN_DOUBLE ? "#@[]" : "", d->to) ==
		-1 ||
	    dsn_begin(d, put_data, s) == -1)
		answer_errno(n, "submit the notification");
	each_piece(n, n->ncopy, put_data, s);
	if (dsn_end(d, put_data, s) == -1)
		answer_errno(n, "submit the notification");
}

/* After this point nobody could take the submission back. */
static void check_lifeline(const struct notice *n)
{
	struct pollfd p = {n->job->lifeline, POLLIN, 0};

	if (poll(&p, 1, 0) > 0)
		answer(n, 'Z', "stopping");
}

static _Noreturn void submit_notice(struct notice *n)
{
	static struct submit s;
	char id[QID_LEN + 1];
	char letter;

	if (submit_open(&s, clock_mono_ms() + SUBMIT_MS) == -1) {
		if (errno == EAGAIN)
			answer(n, 'Z', s.text);
		answer_errno(n, "reach qqueue");
	}
	memcpy(id, s.id, sizeof id);
	put_notice(n, &s);
	check_lifeline(n);
	if (submit_commit(&s, &letter) == -1)
		answer_errno(n, "submit the notification");
	answer(n, letter, letter == 'K' ? id : s.text);
}

/* ---- all of it ---- */

static void make_boundary(char out[BOUNDARY])
{
	uint32_t r[3];

	rnd_bytes(r, sizeof r);
	(void)snprintf(out, BOUNDARY, "=_%08x%08x%08x", r[0], r[1], r[2]);
}

static void describe(struct notice *n)
{
	static char to[LIMIT_ADDRESS + 1];
	const struct bounce_settings *s = n->job->settings;
	uint64_t birth = 0;

	make_boundary(n->boundary);
	(void)qid_parse(n->job->frame.id, &birth);
	n->dsn = (struct dsn){.me = s->me,
			      .from = s->from,
			      .to = recipient_of(n, to),
			      .boundary = n->boundary,
			      .now = time(NULL),
			      .queue_id = n->job->frame.id,
			      .sender = n->env.sender,
			      .envid = n->env.envid,
			      .arrival = (time_t)(birth / 1000000000),
			      .until = (time_t)n->job->frame.until,
			      .rcpts = n->told,
			      .nrcpts = n->ntold,
			      .qsbmf = s->qsbmf};
}

_Noreturn void notice(const struct notice_job *job)
{
	struct notice n = {.job = job};

	if (qread(job->queue_file, &n.head, &n.bytes, &n.env) == -1) {
		if (errno == EBADMSG)
			answer(&n, 'B', "");
		answer_errno(&n, "read the message");
	}
	if (dsn_kind(n.env.sender) == DSN_DISCARD)
		answer(&n, 'D', "a notification of this message has nobody to go to");
	read_journal(&n);
	choose(&n);
	describe(&n);
	choose_copy(&n);
	submit_notice(&n);
}
