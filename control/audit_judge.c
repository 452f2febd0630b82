/* qctl audit: what the ledger proves, what lies at an edge of the window, what is wrong. */
#include "audit.h"

#include <string.h>

/* A notification is queued before it is named, by so much at most. */
static const uint64_t notice_ns = 60 * (uint64_t)1000000000;

static const struct logs_dir *log_of(const struct audit *a, const char *name)
{
	for (size_t i = 0; i < a->logs.n; i++)
		if (strcmp(a->logs.dirs[i].name, name) == 0)
			return &a->logs.dirs[i];
	return NULL;
}

/* Lines of that log may be missing that were written after t. */
static int may_be_missing(const struct audit *a, const char *name, uint64_t t)
{
	const struct logs_dir *d = log_of(a, name);

	return d == NULL || (d->breaks > 0 && d->last_break >= t);
}

static uint64_t first_of(const struct audit *a, const char *name)
{
	const struct logs_dir *d = log_of(a, name);

	return d != NULL && d->first != 0 ? d->first : a->start;
}

static void say_wrong(struct audit *a, const struct account *c, enum wrong what,
		      uint32_t rcpt)
{
	a->wrong[what]++;
	if (a->listed == AUDIT_WRONG_MAX)
		return;
	a->list[a->listed].what = what;
	a->list[a->listed].rcpt = rcpt;
	a->list[a->listed].since = c->since;
	account_id(c, a->list[a->listed++].id);
}

/* The ends of the recipients: how many have none; first: one of these. */
static uint32_t count_ends(struct audit *a, const struct account *c, uint32_t *first)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < c->places || i < c->rcpts; i++) {
		uint8_t m = account_says(c, i);

		if (i >= c->rcpts) {
			if (m != 0)
				say_wrong(a, c, WRONG_RECIPIENT, i);
			continue;
		}
		if (!(m & (RCPT_GOOD | RCPT_BAD)) && left++ == 0)
			*first = i;
		a->good += (m & RCPT_GOOD) != 0;
		a->bad += (m & RCPT_BAD) && !(m & RCPT_GOOD);
		a->again += (m & RCPT_AGAIN) != 0;
		a->found += (m & RCPT_FOUND) && !(m & RCPT_AGAIN);
		if (m & RCPT_TWICE)
			say_wrong(a, c, WRONG_DOUBLE, i);
	}
	return left;
}

static void judge_promised(struct audit *a, const struct account *c)
{
	uint32_t first = 0;
	uint32_t left = count_ends(a, c, &first);

	a->messages++;
	a->rcpts += c->rcpts;
	a->notices += c->notices;
	a->repeated_notices += c->notices > 1 ? c->notices - 1U : 0;
	a->open += left;
	if (c->flags & ACCOUNT_WAITS)
		a->waiting++;
	else if (c->flags & ACCOUNT_GONE)
		a->whole++;
	else if (c->flags & ACCOUNT_ASIDE)
		a->aside++;
	else if (left == 0)
		a->done++;
	else if (may_be_missing(a, "qsend", c->since))
		a->unproven++;
	else
		say_wrong(a, c, WRONG_LOST, first);
}

static void judge(struct audit *a, const struct account *c)
{
	if (c->flags & ACCOUNT_QUEUED) {
		if (c->since < a->from)
			a->before++;
		else if (c->since >= a->start)
			a->late++;
		else
			judge_promised(a, c);
		return;
	}
	if ((c->flags & ACCOUNT_WANTED) && c->since >= a->from + notice_ns &&
	    !may_be_missing(a, "qqueue", c->since - notice_ns)) {
		say_wrong(a, c, WRONG_UNTOLD, 0);
		return;
	}
	/* qqueue was ended between the last sync and its line: nobody heard a yes. */
	if ((c->flags & ACCOUNT_NEW) && c->since >= a->from)
		a->unpromised++;
	else
		a->before++;
}

void audit_judge(struct audit *a)
{
	uint64_t qqueue = first_of(a, "qqueue");
	uint64_t qsend = first_of(a, "qsend");

	a->from = qqueue > qsend ? qqueue : qsend;
	if (a->since > a->from)
		a->from = a->since;
	if (a->old >= a->from)
		a->from = a->old + 1;
	for (size_t i = 0; i < a->ledger.n; i++)
		judge(a, ledger_at(&a->ledger, i));
}

uint64_t audit_wrongs(const struct audit *a)
{
	uint64_t n = 0;

	for (int i = 0; i < WRONGS; i++)
		n += a->wrong[i];
	return n;
}
