#include "delivery.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "addr.h"

/* Addresses and names go into header lines and a shell's environment. */
static int is_clean(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return 0;
	return 1;
}

static void set_returnpath(struct delivery *d)
{
	const char *sender = d->l.job.sender;
	char quoted[2 * LIMIT_ADDRESS];

	if (*sender != '\0' && addr_quote(sender, quoted, sizeof quoted) == 0)
		sender = quoted;
	(void)snprintf(d->returnpath, sizeof d->returnpath, "Return-Path: <%s>\n",
		       sender);
}

/* The From_ line of an mbox: no blank may stand in the sender. */
static void set_fromline(struct delivery *d)
{
	const char *sender = d->l.job.sender;
	time_t now = time(NULL);
	struct tm utc;
	char date[64];
	size_t n;

	(void)snprintf(d->fromline, sizeof d->fromline, "From %s ",
		       *sender != '\0' ? sender : "MAILER-DAEMON");
	n = strlen(d->fromline) - 1;
	for (char *c = d->fromline + 5; c < d->fromline + n; c++)
		if (*c == ' ')
			*c = '-';
	if (gmtime_r(&now, &utc) == NULL ||
	    strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y\n", &utc) == 0)
		(void)snprintf(date, sizeof date, "Thu Jan  1 00:00:00 1970\n");
	(void)snprintf(d->fromline + n + 1, sizeof d->fromline - n - 1, "%s", date);
}

static void set_recipient(struct delivery *d)
{
	const char *domain = addr_domain(d->recipient);

	d->host = domain != NULL ? domain : "";
	d->local = d->l.job.route;
	(void)snprintf(d->to, sizeof d->to, *d->host != '\0' ? "%s@%s" : "%s%s", d->local,
		       d->host);
	(void)snprintf(d->deliveredto, sizeof d->deliveredto, "Delivered-To: %s\n",
		       d->to);
	d->originalto[0] = '\0';
	if (strcmp(d->to, d->recipient) != 0)
		(void)snprintf(d->originalto, sizeof d->originalto, "X-Original-To: %s\n",
			       d->recipient);
}

int delivery_init(struct delivery *d, const char *frame, size_t n, size_t index, int fd)
{
	const struct job *j = &d->l.job;

	if (localjob_get(&d->l, frame, n) == -1)
		return -1;
	if (index >= j->nrcpts || !is_clean(j->sender) || !is_clean(j->route) ||
	    !is_clean(j->rcpts[index]) || !is_clean(d->l.dash) || !is_clean(d->l.ext)) {
		errno = EBADMSG;
		return -1;
	}
	d->index = index;
	d->recipient = j->rcpts[index];
	set_recipient(d);
	set_returnpath(d);
	set_fromline(d);
	(void)qid_parse(j->id, &d->birth_ns);
	d->message = (struct message){fd, j->msg_offset, j->msg_len, j->msg_sum};
	return 0;
}
