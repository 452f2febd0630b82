/* asked: the parameters of MAIL and RCPT, as speaker.c (-bs) hears them: what they say,
 * before the address counts. */
#ifndef QINJECT_ASKED_H
#define QINJECT_ASKED_H

#include "qlimits.h"

enum { ASKED_LINE = 2048 }; /* bytes of a command, without its end */

struct asked {
	char envid[LIMIT_ENVID + 1];
	char ret;
	unsigned notify;
	char orcpt[LIMIT_ORCPT + 1];
};

/* WRONG: there is no such value (what lib/dsnparam.h says, too). */
enum { ASKED_WELL = 0, ASKED_WRONG = -1, ASKED_UNKNOWN = 1 };

/* p: what stands behind the path, at most ASKED_LINE bytes. One of these. */
int asked_of_mail(struct asked *a, const char *p);
int asked_of_rcpt(struct asked *a, const char *p);

#endif
