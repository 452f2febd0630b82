#include "tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "dsn.h"
#include "prog.h"
#include "sched.h"

enum { DELAY_USUAL = 14400, DELAY_MAX = 30 * 86400, COPY_USUAL = 50000 };

/* ---- settings ---- */

static const char *fault;

const char *tell_error(void)
{
	return fault != NULL ? fault : control_error();
}

static int load_address(char **to, const char *user_file, const char *user,
			const char *host_file)
{
	char address[LIMIT_ADDRESS + 1];
	char *local = NULL;
	char *host = NULL;
	int n = -1;

	if (control_line(user_file, &local) != -1 &&
	    control_line_or_me(host_file, &host) == 1)
		n = snprintf(address, sizeof address, "%s@%s",
			     local != NULL ? local : user, host);
	free(local);
	free(host);
	if (n > LIMIT_ADDRESS)
		fault = "control/bouncefrom, bouncehost, doublebounceto, "
			"doublebouncehost: too long";
	*to = n >= 0 && n <= LIMIT_ADDRESS ? strdup(address) : NULL;
	return *to != NULL ? 0 : -1;
}

static int load_me(char **me)
{
	if (control_line("me", me) != 1)
		return -1;
	if (strlen(*me) <= LIMIT_DOMAIN)
		return 0;
	fault = "control/me: line 1: too long";
	return -1;
}

static int load_addresses(char *s[3])
{
	if (load_me(&s[0]) == -1 ||
	    load_address(&s[1], "bouncefrom", "MAILER-DAEMON", "bouncehost") == -1)
		return -1;
	return load_address(&s[2], "doublebounceto", "postmaster", "doublebouncehost");
}

static int load_numbers(struct tell *t)
{
	uint64_t copy = COPY_USUAL;
	uint64_t qsbmf = 0;

	t->delaywarn = DELAY_USUAL;
	if (control_num("delaywarn", DELAY_MAX, &t->delaywarn) == -1 ||
	    control_num("bouncemaxbytes", LIMIT_MESSAGE, &copy) == -1 ||
	    control_num("qsbmf", 1, &qsbmf) == -1)
		return -1;
	t->bounce.copy = (uint32_t)copy;
	t->bounce.qsbmf = (uint8_t)qsbmf;
	return 0;
}

int tell_load(struct tell *t)
{
	struct tell n = {.unsent = 1};
	char *s[3] = {NULL, NULL, NULL};
	int r = -1;

	fault = NULL;
	if (load_addresses(s) == 0 && load_numbers(&n) == 0) {
		free((char *)t->bounce.me);
		free((char *)t->bounce.from);
		free((char *)t->bounce.doubled);
		n.bounce.me = s[0];
		n.bounce.from = s[1];
		n.bounce.doubled = s[2];
		*t = n;
		return 0;
	}
	for (int i = 0; i < 3; i++)
		free(s[i]);
	return r;
}

/* ---- successes ---- */

char tell_good(const struct msg *m, uint32_t i, char letter)
{
	if ((m->rcpts[i].notify & NOTIFY_SUCCESS) == 0 || letter == 'R' ||
	    dsn_kind(m->env.sender) != DSN_SINGLE)
		return 'K';
	if (letter == 'X')
		return 'X';
	return m->rcpts[i].channel == ROUTE_REMOTE ? 'R' : 'S';
}

/* ---- warnings ---- */

/* As with the end of a message (retry.h), the wall clock alone is not believed: this
 * process has seen it wait that long. */
static int is_late(const struct sched *q, const struct msg *m)
{
	uint64_t after = q->tell.delaywarn;
	int late = 0;

	if (after == 0 || retry_age(m->birth, &q->now) <= after)
		return 0;
	for (int c = 0; c < CHANNELS; c++) {
		const struct half *h = &m->half[c];

		if (h->n == 0)
			continue;
		if (h->dying)
			return 0;
		late |= h->defers && q->now.mono - h->entry.seen >= after;
	}
	return late;
}

static int is_wanted(const struct msg *m)
{
	if (!envelope_is_submitted(&m->env) || dsn_kind(m->env.sender) != DSN_SINGLE)
		return 0;
	for (size_t i = 0; i < m->env.nrcpts; i++)
		if (m->rcpts[i].state == RCPT_TODO &&
		    tell_is_delay_wanted(m->rcpts[i].notify))
			return 1;
	return 0;
}

static int remember(const struct sched *q, struct msg *m)
{
	struct sbuf b = SBUF_INIT(256);
	struct journal_record r = {.what = 'W', .time = q->now.wall};
	int result = journal_put(&b, m->id, m->journal.len, &r);

	if (result == 0)
		result = journal_append(&m->journal, q->state, m->id, &b);
	if (result == -1)
		warn_sys2("write the journal of", m->id);
	sbuf_free(&b);
	return result;
}

int tell_delay(const struct sched *q, struct msg *m)
{
	if (m->warned || !is_late(q, m) || !is_wanted(m) || remember(q, m) == -1)
		return 0;
	m->warned = 1;
	return 1;
}
