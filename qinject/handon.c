#include "handon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "fail.h"
#include "fdio.h"
#include "paths.h"
#include "prog.h"
#include "qfile.h"
#include "relay.h"
#include "remotejob.h"
#include "rnd.h"
#include "smtpauth.h"
#include "sum.h"
#include "usock.h"

static struct smtpauth *logins;

/* The caller's own look at control/smtpauth: 1, -1, or 0: it is not for his eyes, so the
 * message is for the queue. */
static int load_logins(void)
{
	smtpauth_free(logins);
	logins = smtpauth_load();
	if (logins != NULL)
		return 1;
	if (errno == EACCES)
		return 0;
	return fail(errno == ENOMEM ? FAIL_MEMORY : FAIL_CONFIG, "%s", control_error());
}

int handon_route(char route[LIMIT_ROUTE + 1])
{
	char *line;
	int r = control_line("nullclient", &line);

	if (r == -1)
		return fail(errno == ENOMEM ? FAIL_MEMORY : FAIL_CONFIG, "%s",
			    control_error());
	if (r == 0)
		return 0;
	r = relay_parse(line, route);
	free(line);
	if (r == -1)
		return fail(FAIL_CONFIG, "control/nullclient: %s", relay_usage);
	return load_logins();
}

/* ---- the message as a file ---- */

struct copy {
	struct spool spool;
	struct sum sum;
	uint8_t digest[SUM_LEN];
};

static int copy_add(void *arg, const void *p, size_t n)
{
	struct copy *c = arg;

	sum_add(&c->sum, p, n);
	return spool_add(&c->spool, p, n);
}

static int copy_make(struct copy *c, const struct mail *m, char id[QID_LEN + 1])
{
	qid_make(id, clock_wall_ns(), rnd_u32());
	sum_init(&c->sum);
	if (mail_each(m, id, copy_add, c) == -1)
		return fail_last() != FAIL_NONE ? -1 : fail_sys(FAIL_SPOOL, "copy it");
	sum_end(&c->sum, c->digest);
	return spool_flush(&c->spool);
}

/* ---- qremote ---- */

struct child {
	pid_t pid;
	int fd;  /* the socket for jobs */
	int log; /* what it says on standard error */
};

enum { JOBS = 3 };

/* It speaks with a stranger: of what our caller left open it gets nothing. */
static int leave_all_but(int fd, int log)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (dup2(log, 2) == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1 ||
	    fd_move(JOBS, fd) == -1)
		return -1;
	/* A kernel before 5.9 has no such call: then the caller's mistake stays his. */
	(void)syscall(SYS_close_range, JOBS + 1, ~0U, 0U);
	return 0;
}

static _Noreturn void run(int fd, int log)
{
	char path[LIMIT_PATH] = "qremote";
	char number[12];
	const char *argv[6] = {"qremote", "-q", number};

	if (paths_home != NULL) {
		argv[3] = "-C";
		argv[4] = paths_home;
	}
	(void)snprintf(number, sizeof number, "%d", JOBS);
	if (leave_all_but(fd, log) == 0 &&
	    path_join(path, sizeof path, paths.bin, "qremote") != NULL)
		(void)execv(path, (char *const *)argv);
	die_sys2(EXIT_TEMP, "run", path);
}

static int child_start(struct child *c)
{
	int fds[2];

	c->log = memfd_create("log", MFD_CLOEXEC);
	if (c->log == -1 || usock_pair(fds) == -1)
		return fail_sys(FAIL_SPOOL, "start qremote");
	c->pid = fork();
	if (c->pid == 0)
		run(fds[1], c->log);
	(void)close(fds[1]);
	c->fd = fds[0];
	return c->pid == -1 ? fail_sys(FAIL_SPOOL, "start qremote") : 0;
}

static void child_end(struct child *c)
{
	if (c->fd != -1)
		(void)close(c->fd);
	if (c->pid != -1)
		while (waitpid(c->pid, NULL, 0) == -1 && errno == EINTR)
			;
	if (c->log != -1)
		(void)close(c->log);
}

/* It ended without an answer: its last line says why. */
static int child_blame(const struct child *c)
{
	char text[1024];
	off_t end = lseek(c->log, 0, SEEK_END);
	off_t at = end > (off_t)sizeof text - 1 ? end - (off_t)sizeof text + 1 : 0;
	ssize_t n = pread(c->log, text, sizeof text - 1, at);
	const char *last;

	text[n > 1 ? n - 1 : 0] = '\0';
	last = strrchr(text, '\n');
	return fail(FAIL_LOST, "the smart host was not reached: %s",
		    last != NULL ? last + 1 : text);
}

/* ---- jobs ---- */

static int send_job(const struct child *c, const struct job *j, const struct copy *m)
{
	static struct sbuf frame = SBUF_INIT(LIMIT_FRAME);
	static struct sbuf whole = SBUF_INIT(LIMIT_REMOTEFRAME);
	static const struct remotejob_dead nobody = {0, ""};

	if (job_put(&frame, j) == -1 ||
	    remotejob_put(&whole, &nobody, frame.p, frame.len) == -1)
		return fail_sys(FAIL_MEMORY, "make a job");
	return usock_send(c->fd, whole.p, whole.len, m->spool.fd) == -1 ? child_blame(c)
									: 0;
}

/* qremote's own limits end the wait. */
static int take_report(const struct child *c, const struct job *j, struct report *r)
{
	static char frame[LIMIT_REMOTEFRAME];
	struct remotejob_tried tried;
	const char *p = frame;
	ssize_t got;
	size_t n;

	do {
		if (fd_wait(c->fd, POLLIN, CLOCK_NEVER) == -1)
			return fail_sys(FAIL_LOST, "wait for qremote");
		got = usock_recv(c->fd, frame, sizeof frame, NULL);
	} while (got == -1 && errno == EAGAIN);
	if (got <= 0)
		return child_blame(c);
	n = (size_t)got;
	if (remotejob_report_get(&tried, &p, &n) == -1 || report_get(r, p, n) == -1 ||
	    r->slot != j->slot || r->count != j->nrcpts)
		return fail(FAIL_LOST, "qremote answers what is no report");
	return 0;
}

static uint8_t ret_flag(const char *ret)
{
	if (ret == NULL)
		return 0;
	return *ret == 'F' ? JOB_RET_FULL : JOB_RET_HDRS;
}

/* As many recipients from *at on as fit. */
static void fill_job(struct job *j, const struct envelope *e, const char **at,
		     size_t *left)
{
	size_t room = LIMIT_FRAME - JOB_HEAD - job_logins_room(j);

	for (j->nrcpts = 0; *left > 0 && j->nrcpts < LIMIT_JOBRCPTS; (*left)--) {
		struct envelope_rcpt r;
		const char *next = envelope_rcpt(e, *at, &r);

		if (job_room(r.address, r.orcpt) > room)
			return;
		room -= job_room(r.address, r.orcpt);
		j->rcpts[j->nrcpts] = r.address;
		j->notify[j->nrcpts] = (uint8_t)r.notify;
		j->orcpt[j->nrcpts++] = r.orcpt;
		*at = next;
	}
}

/* ---- what becomes of each ---- */

static void refuse(struct handon *h, const char *rcpt, const char *text)
{
	if (h->refused++ == 0)
		(void)snprintf(h->why, sizeof h->why, "%s: %s", rcpt, text);
}

/* A try: *at walks over the fields of its recipients, one T and what belongs to it at a
 * time. */
struct walk {
	struct handon *h;
	const char *at, *end;
};

static size_t next_fields(struct walk *w, const char **p)
{
	*p = w->at;
	do
		w->at += strlen(w->at) + 1;
	while (w->at < w->end && *w->at != 'T');
	return (size_t)(w->at - *p);
}

/* There is room for all of them: nobody may be forgotten for want of memory. */
static void keep(struct handon *h, const char *fields, size_t n)
{
	if (sbuf_cat(&h->left->fields, fields, n) == 0)
		h->left->n++;
}

static void settle(struct walk *w, const struct job *j, const struct report *r)
{
	for (uint16_t i = 0; i < j->nrcpts; i++) {
		const char *fields;
		size_t n = next_fields(w, &fields);

		if (r->letter[i] == 'K' || r->letter[i] == 'R') {
			(void)snprintf(w->h->text, sizeof w->h->text, "%s", r->text[i]);
		} else if (r->letter[i] == 'D') {
			refuse(w->h, j->rcpts[i], r->text[i]);
		} else {
			(void)fail(FAIL_LATER, "%s", r->text[i]);
			keep(w->h, fields, n);
		}
	}
}

/* Trouble: all whom no report has decided. */
static int keep_rest(struct walk *w)
{
	while (w->at < w->end) {
		const char *fields;
		size_t n = next_fields(w, &fields);

		keep(w->h, fields, n);
	}
	return -1;
}

static int all_jobs(struct walk *w, const struct child *c, struct job *j,
		    const struct envelope *e, const struct copy *m)
{
	const char *at = e->rcpts;
	size_t left = e->nrcpts;

	while (left > 0) {
		struct report r = {.count = 0};

		fill_job(j, e, &at, &left);
		if (send_job(c, j, m) == -1 || take_report(c, j, &r) == -1)
			return keep_rest(w);
		settle(w, j, &r);
	}
	return 0;
}

/* ---- a try ---- */

static int hand_on(struct walk *w, const struct mail *m, const char *route,
		   char id[QID_LEN + 1])
{
	static struct copy copy;
	struct sbuf fields = SBUF_INIT(LIMIT_ENVELOPE);
	struct child c = {-1, -1, -1};
	struct envelope e;
	struct job j = {.flags = JOB_INSIST, .id = id, .route = route};
	int r = -1;

	spool_init(&copy.spool);
	if (mail_envelope(m, &fields) == -1 ||
	    envelope_parse(&e, fields.p, fields.len) == -1)
		(void)fail_full(FAIL_DATA, "the envelope is too large");
	else if (copy_make(&copy, m, id) == 0 && child_start(&c) == 0) {
		j.msg_len = copy.spool.len;
		memcpy(j.msg_sum, copy.digest, SUM_LEN);
		j.birth = clock_wall_ns() / 1000000000;
		j.flags |= ret_flag(e.ret);
		j.sender = e.sender;
		j.envid = e.envid;
		smtpauth_logins(logins, route, &j);
		r = all_jobs(w, &c, &j, &e, &copy);
	}
	child_end(&c);
	spool_free(&copy.spool);
	sbuf_free(&fields);
	return r;
}

int handon_try(struct handon *h, struct mail *m, const char *route, char id[QID_LEN + 1])
{
	const struct sbuf *fields = &m->rcpts->fields;
	struct walk w = {h, fields->p, fields->p + fields->len};

	h->left = h->left == &h->list[0] ? &h->list[1] : &h->list[0];
	rcpts_free(h->left);
	rcpts_init(h->left);
	if (sbuf_reserve(&h->left->fields, fields->len) == -1)
		return fail_sys(FAIL_MEMORY, "keep the recipients");
	if (hand_on(&w, m, route, id) == -1 && h->left->n == 0)
		return -1; /* before the first job: m->rcpts is as it was */
	m->rcpts = h->left;
	return h->left->n == 0 ? 0 : -1;
}
