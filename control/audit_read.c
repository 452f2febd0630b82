/* The queue first, then the logs: a message that was queued before the queue was looked
 * at, and is not in it, has ended before, and its lines are on their way to the log at
 * least. */
#include "audit.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "paths.h"
#include "prog.h"

static struct account *account(struct audit *a, const char *id)
{
	struct account *c = ledger_get(&a->ledger, id);

	if (c == NULL)
		die_sys(EXIT_TEMP, "keep what the logs say (try --since)");
	return c;
}

/* ---- the queue ---- */

static void read_names(struct audit *a, const char *sub, uint8_t flag)
{
	char path[LIMIT_PATH];
	struct dirent *e;
	DIR *d = NULL;
	uint64_t ns;

	if (path_join(path, sizeof path, paths.queue, sub) != NULL)
		d = opendir(path);
	if (d == NULL)
		die_sys2(EXIT_TEMP, "read directory queue/", sub);
	while ((errno = 0, e = readdir(d)) != NULL)
		if (qid_parse(e->d_name, &ns) == 0)
			account(a, e->d_name)->flags |= flag;
	if (errno != 0)
		die_sys2(EXIT_TEMP, "read directory queue/", sub);
	(void)closedir(d);
}

/* new before cur: what is renamed meanwhile is seen in one of them. */
static void read_queue(struct audit *a)
{
	read_names(a, "new", ACCOUNT_WAITS);
	read_names(a, "cur", ACCOUNT_WAITS);
	read_names(a, "bad", ACCOUNT_ASIDE);
}

/* ---- what a line tells ---- */

typedef void telling(struct audit *a, struct account *c, const struct logline *l);

static void take_rcpts(struct account *c, const struct logline *l)
{
	uint64_t n;

	if (logline_num(l, "rcpts", LIMIT_RECIPIENTS, &n))
		c->rcpts = (uint32_t)n;
}

static void on_queued(struct audit *a, struct account *c, const struct logline *l)
{
	(void)a;
	c->flags |= ACCOUNT_QUEUED;
	c->since = l->ns;
	take_rcpts(c, l);
}

static void on_new(struct audit *a, struct account *c, const struct logline *l)
{
	(void)a;
	c->flags |= ACCOUNT_NEW;
	take_rcpts(c, l);
}

/* Numbers of deliveries rise; where they do not, qsend was started anew. */
static void on_start(struct audit *a, struct account *c, const struct logline *l)
{
	uint64_t n;

	(void)c;
	if (!logline_num(l, "delivery", UINT64_MAX, &n))
		return;
	if (n <= a->last_start)
		a->run++;
	a->last_start = n;
}

static int found_its_work(const struct logline *l)
{
	static const char words[] = "delivered\\x20before,";
	struct span text;

	return logline_get(l, "text", &text) && text.n >= sizeof words - 1 &&
	       memcmp(text.p, words, sizeof words - 1) == 0;
}

/* K after K, or D after K: it was delivered, and then decided again. D before anything:
 * the failure was not yet durable, so it had not happened. */
static uint8_t decide(uint8_t m, int good, int found)
{
	if ((m & RCPT_GOOD) && (m & RCPT_NOW))
		m |= RCPT_TWICE;
	else if (m & RCPT_GOOD)
		m |= found ? RCPT_FOUND : RCPT_AGAIN;
	if (good)
		m = (uint8_t)((m | RCPT_GOOD) & ~RCPT_BAD);
	else
		m |= RCPT_BAD;
	return m | RCPT_NOW;
}

static void on_delivery(struct audit *a, struct account *c, const struct logline *l)
{
	struct span result;
	struct span whose;
	uint64_t rcpt;
	uint8_t *m;
	int good;

	if (!logline_get(l, "rcpt", &whose) && l->ns > a->old)
		a->old = l->ns;
	if (!logline_get(l, "result", &result) ||
	    !logline_num(l, "rcpt", LIMIT_RECIPIENTS - 1, &rcpt))
		return;
	good = span_is(result, "K") || span_is(result, "R");
	if (!good && !span_is(result, "D"))
		return;
	if (c->run != a->run) {
		account_clear_now(c);
		c->run = a->run;
	}
	m = account_mark(c, (uint32_t)rcpt);
	if (m == NULL)
		die_sys(EXIT_TEMP, "keep what the logs say (try --since)");
	*m = decide(*m, good, found_its_work(l));
}

/* A warning of delay names its notification, too. */
static void on_warn(struct audit *a, struct account *c, const struct logline *l)
{
	char id[QID_LEN + 1];
	struct account *n;

	(void)c;
	if (!logline_id(l, "as", id))
		return;
	n = account(a, id);
	n->flags |= ACCOUNT_WANTED;
	if (n->since == 0)
		n->since = l->ns;
}

static void on_bounce(struct audit *a, struct account *c, const struct logline *l)
{
	if (c->notices < UINT8_MAX)
		c->notices++;
	on_warn(a, c, l);
}

static void on_gone(struct audit *a, struct account *c, const struct logline *l)
{
	(void)a;
	(void)l;
	c->flags |= ACCOUNT_GONE;
}

static const struct {
	const char *program;
	const char *event;
	telling *tell;
} tellings[] = {
    {"qqueue", "queued", on_queued}, {"qsend", "new", on_new},
    {"qsend", "start", on_start},    {"qsend", "delivery", on_delivery},
    {"qsend", "bounce", on_bounce},  {"qsend", "warn", on_warn},
    {"qsend", "delete", on_gone},    {"qsend", "move", on_gone},
    {"qsend", "bad", on_gone},       {"qsend", "discard", on_gone},
    {"qsend", "gone", on_gone},
};

static telling *find_telling(const struct logline *l)
{
	for (size_t i = 0; i < sizeof tellings / sizeof *tellings; i++)
		if (span_is(l->event, tellings[i].event) &&
		    span_is(l->program, tellings[i].program))
			return tellings[i].tell;
	return NULL;
}

static void take_line(struct audit *a, const struct logline *l)
{
	telling *tell = find_telling(l);
	char id[QID_LEN + 1];
	struct account *c;

	if (span_is(l->program, "qsend") && span_is(l->event, "begin")) {
		a->run++;
		a->last_start = 0;
	}
	if (tell == NULL || l->ns < a->since || !logline_id(l, "id", id))
		return;
	c = account(a, id);
	if (c->since == 0)
		c->since = l->ns;
	tell(a, c, l);
}

static void read_logs(struct audit *a)
{
	char path[LIMIT_PATH];
	const char *dir = logs_path(path);
	struct logline *l;
	struct logs_dir *d;
	int r;

	if (dir == NULL || logs_open(&a->logs, dir) == -1)
		die_sys2(EXIT_TEMP, "read the logs in",
			 dir != NULL ? dir : "that directory");
	while ((r = logs_next(&a->logs, &l, &d)) == 1)
		if (strcmp(d->name, "qqueue") == 0 || strcmp(d->name, "qsend") == 0)
			take_line(a, l);
	if (r == -1)
		die_sys2(EXIT_TEMP, "read the logs in", dir);
}

void audit_read(struct audit *a)
{
	a->start = clock_wall_ns();
	read_queue(a);
	read_logs(a);
}
