#include "steer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <poll.h>

#include "asked.h"
#include "clock.h"
#include "control.h"
#include "cursor.h"
#include "delivery.h"
#include "fdio.h"
#include "forward.h"
#include "outside.h"
#include "plan.h"
#include "prog.h"
#include "program.h"
#include "progenv.h"
#include "qlog.h"
#include "step.h"
#include "usock.h"

enum { PIECE = 49152 };

/* One delivery under way. */
struct task {
	struct steer *s;
	const struct delivery *d;
	struct plan plan;
	struct progenv env;
	struct sbuf envelope;
	char text[LIMIT_TEXT - 64]; /* what programs said, for the report */
	int copy;                   /* the message alone, once a program needed it */
	int64_t deadline;           /* of all programs together */
	struct asked asked;         /* of notifications */
	int is_list;                /* the forward has another sender */
	int is_single;              /* one forward, and nothing else */
	int is_expanded;            /* several, and nothing else */
	unsigned files;
	unsigned forwards;
	unsigned programs;
};

static _Noreturn void die_pair(void)
{
	die_msg(EXIT_TEMP, "the other half is gone");
}

/* ---- frames to the jailed half ---- */

static void send_frame(const struct steer *s, const struct sbuf *b, int pass)
{
	while (usock_send(s->pair, b->p, b->len, pass) == -1)
		if (errno != EAGAIN || fd_wait(s->pair, POLLOUT, CLOCK_NEVER) == -1)
			die_pair();
}

/* The answer to a step; *copy as in step_do(). */
static void hear_answer(const struct steer *s, struct answer *a, int *copy)
{
	char frame[LIMIT_TEXT + 16];
	struct cursor c;
	uint8_t kind;
	uint8_t letter;
	const char *text;
	ssize_t n;

	if (fd_wait(s->pair, POLLIN, CLOCK_NEVER) == -1)
		die_pair();
	n = usock_recv(s->pair, frame, sizeof frame, copy);
	if (n <= 0)
		die_pair();
	cur_init(&c, frame, (size_t)n);
	if (cur_u8(&c, &kind) == -1 || kind != STEP_ANSWER || cur_u8(&c, &letter) == -1 ||
	    cur_str(&c, LIMIT_TEXT, &text) == -1 || cur_end(&c) == -1)
		die_pair();
	answer_set(a, (char)letter, "%s", text);
}

static void ask(const struct steer *s, const struct sbuf *b, int pass, struct answer *a,
		int *copy)
{
	int none;

	send_frame(s, b, pass);
	hear_answer(s, a, copy != NULL ? copy : &none);
	if (copy == NULL && none != -1)
		die_pair();
}

/* ---- the kinds of instructions ---- */

static void no_memory(struct answer *a)
{
	answer_errno(a, "carry out", "an instruction");
}

/* For the report's text, as far as there is room. */
static void remember(struct task *t, const char *text)
{
	size_t n = strlen(t->text);

	if (*text != '\0')
		(void)snprintf(t->text + n, sizeof t->text - n, "%s ", text);
}

static void do_file(struct task *t, enum step_kind kind, const char *path,
		    struct answer *a)
{
	struct sbuf b = SBUF_INIT(STEP_FRAME);

	t->files++;
	if (outside_is(path, t->s->home_path))
		outside_do(kind, path, t->d, t->s->pair, &t->s->settings, a);
	else if (put_u8(&b, (uint8_t)kind) == -1 || sbuf_catz(&b, path) == -1 ||
		 (kind == STEP_MAILDIR && put_u8(&b, (uint8_t)t->plan.is_default) == -1))
		no_memory(a);
	else
		ask(t->s, &b, -1, a, NULL);
	sbuf_free(&b);
	if (a->letter == DONE)
		remember(t, a->text);
}

static int get_copy(struct task *t, struct answer *a)
{
	struct sbuf b = SBUF_INIT(STEP_FRAME);

	if (t->copy != -1)
		return 0;
	if (put_u8(&b, STEP_COPY) == -1)
		no_memory(a);
	else
		ask(t->s, &b, -1, a, &t->copy);
	sbuf_free(&b);
	return t->copy == -1 ? -1 : 0;
}

/* 1: the program says that the rest is not to be carried out. */
static int do_program(struct task *t, const char *command, struct answer *a)
{
	struct program p = {command, t->env.vars, -1, t->deadline, t->s->pair};
	int stop;

	t->programs++;
	if (get_copy(t, a) == -1)
		return 0;
	p.copy = t->copy;
	stop = program_run(&p, a);
	if (a->letter == DONE)
		remember(t, a->text);
	return stop;
}

static void do_forward(struct task *t, const char *address, struct answer *a)
{
	t->forwards++;
	if (asked_put_rcpt(&t->asked, t->is_single, address, &t->envelope) == -1)
		answer_set(a, LATER, "too many forwards for one submission (#4.3.0)");
}

static void do_discard(const struct task *t)
{
	struct qlog l;

	qlog_begin(&l, "discard");
	qlog_id(&l, t->d->l.job.id);
	qlog_str(&l, "to", t->d->recipient);
	qlog_str(&l, "alias", t->d->l.alias);
	qlog_end(&l);
}

/* `x.y.z text` of an alias. */
static void do_refuse(const char *text, struct answer *a)
{
	size_t n = strcspn(text, " ");

	answer_set(a, NEVER, "%s (#%.*s)", text + n + (text[n] == ' '), (int)n, text);
}

static int do_item(struct task *t, const struct dot_item *i, struct answer *a)
{
	answer_set(a, DONE, "%s", "");
	switch (i->kind) {
	case DOT_MAILDIR:
		do_file(t, STEP_MAILDIR, i->text, a);
		break;
	case DOT_MBOX:
		do_file(t, STEP_MBOX, i->text, a);
		break;
	case DOT_PROGRAM:
		return do_program(t, i->text, a);
	case DOT_FORWARD:
		do_forward(t, i->text, a);
		break;
	case DOT_DISCARD:
		do_discard(t);
		break;
	case DOT_REFUSE:
		do_refuse(i->text, a);
		break;
	}
	return 0;
}

/* ---- forwards, all together at the end ---- */

static int send_envelope(const struct task *t)
{
	struct sbuf b = SBUF_INIT(STEP_FRAME);

	for (size_t at = 0; at < t->envelope.len; at += PIECE) {
		size_t n = t->envelope.len - at;

		sbuf_clear(&b);
		if (put_u8(&b, STEP_ENVELOPE) == -1 ||
		    sbuf_cat(&b, t->envelope.p + at, n < PIECE ? n : PIECE) == -1) {
			sbuf_free(&b);
			return -1;
		}
		send_frame(t->s, &b, -1);
	}
	sbuf_free(&b);
	return 0;
}

static void submit_over(const struct task *t, int fd, struct answer *a)
{
	struct sbuf b = SBUF_INIT(STEP_FRAME);
	char *me = NULL;

	if (control_line("me", &me) == -1)
		answer_set(a, LATER, "%s (#4.3.5)", control_error());
	else if (send_envelope(t) == -1 || put_u8(&b, STEP_SUBMIT) == -1 ||
		 sbuf_catz(&b, me != NULL ? me : "localhost") == -1)
		no_memory(a);
	else
		ask(t->s, &b, fd, a, NULL);
	free(me);
	sbuf_free(&b);
}

static void submit_forwards(struct task *t, struct answer *a)
{
	int fd = forward_connect(t->s->pair, a);

	if (fd == -1)
		return;
	submit_over(t, fd, a);
	(void)close(fd);
	if (a->letter == DONE)
		remember(t, a->text);
}

/* ---- a whole delivery ---- */

/* Who tells of success: asked.h. */
static void prepare_asked(struct task *t)
{
	const struct job *j = &t->d->l.job;
	size_t forwards = 0;
	size_t others = 0;

	for (size_t i = 0; i < t->plan.list.n; i++)
		if (t->plan.list.items[i].kind == DOT_FORWARD)
			forwards++;
		else if (t->plan.list.items[i].kind != DOT_DISCARD)
			others++;
	t->is_list = strcmp(t->plan.newsender, j->sender) != 0;
	t->is_single = forwards == 1 && others == 0;
	t->is_expanded = forwards > 1 && others == 0;
	asked_of_job(&t->asked, j, t->d->index, t->is_list);
}

static char done_letter(const struct task *t)
{
	if ((t->asked.notify & NOTIFY_SUCCESS) == 0)
		return DONE;
	return t->is_single ? DONE_RELAYED : t->is_expanded ? DONE_EXPANDED : DONE;
}

static int prepare(struct task *t, struct answer *a)
{
	const struct delivery *d = t->d;
	struct plan_for w = {t->s->home,      d->l.dash, d->l.ext, d->l.alias,
			     d->l.job.sender, d->local,  d->host};

	if (plan_make(&t->plan, &w, &t->s->settings, a) == -1)
		return -1;
	prepare_asked(t);
	if (progenv_make(&t->env, d, t->s->user, t->s->home_path, t->plan.newsender,
			 t->plan.file.matched) == -1 ||
	    progenv_asked(&t->env, &t->asked) == -1 ||
	    sbuf_catc(&t->envelope, 'F') == -1 ||
	    sbuf_catz(&t->envelope, t->plan.newsender) == -1 ||
	    asked_put_sender(&t->asked, &t->envelope) == -1) {
		no_memory(a);
		return -1;
	}
	return 0;
}

/* The first instruction that fails ends the delivery; what was done stays done. */
static void carry_out(struct task *t, struct answer *a)
{
	int stop = 0;

	for (size_t i = 0; i < t->plan.list.n && !stop; i++) {
		stop = do_item(t, &t->plan.list.items[i], a);
		if (a->letter != DONE)
			return;
	}
	if (t->forwards > 0)
		submit_forwards(t, a);
	if (a->letter == DONE)
		answer_set(a, done_letter(t), "%sdid %u+%u+%u", t->text, t->files,
			   t->forwards, t->programs);
}

static void carry_out_task(struct steer *s, const struct delivery *d, struct answer *a)
{
	struct task t = {.s = s,
			 .d = d,
			 .copy = -1,
			 .envelope = SBUF_INIT(LIMIT_ENVELOPE),
			 .deadline = clock_mono_ms() +
				     (int64_t)s->settings.program_seconds * 1000};

	answer_set(a, DONE, "%s", "");
	if (prepare(&t, a) == 0)
		carry_out(&t, a);
	plan_free(&t.plan);
	progenv_free(&t.env);
	sbuf_free(&t.envelope);
	if (t.copy != -1)
		(void)close(t.copy);
}

/* ---- jobs ---- */

static void handle(struct steer *s, const char *frame, size_t n, int fd)
{
	struct sbuf b = SBUF_INIT(STEP_FRAME);
	struct delivery d;
	struct answer a;
	struct cursor c;
	uint8_t kind;
	uint16_t index;

	cur_init(&c, frame, n);
	if (cur_u8(&c, &kind) == -1 || kind != STEP_JOB || cur_u16(&c, &index) == -1 ||
	    fd == -1 || delivery_init(&d, c.p, c.len, index, fd) == -1)
		die_pair();
	carry_out_task(s, &d, &a);
	(void)close(fd);
	if (put_u8(&b, STEP_REPORT) == -1 || put_u8(&b, (uint8_t)a.letter) == -1 ||
	    sbuf_catz(&b, a.text) == -1)
		die_sys(EXIT_TEMP, "report");
	send_frame(s, &b, -1);
	sbuf_free(&b);
}

void steer_serve(struct steer *s)
{
	static char frame[STEP_FRAME];

	for (;;) {
		int fd;
		ssize_t n;

		if (fd_wait(s->pair, POLLIN, CLOCK_NEVER) == -1)
			die_sys(EXIT_TEMP, "wait for a job");
		n = usock_recv(s->pair, frame, sizeof frame, &fd);
		if (n == 0)
			_exit(0);
		if (n == -1)
			die_sys(EXIT_TEMP, "receive a job");
		handle(s, frame, (size_t)n, fd);
	}
}
