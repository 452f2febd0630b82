/* plan: all that is to be done for one delivery, before any of it is done: the lines of
 * its dot-file, its alias's instructions, or the default delivery.
 *
 * Owner: plan_free() after plan_make(), whatever it gave.
 */
#ifndef QLOCAL_PLAN_H
#define QLOCAL_PLAN_H

#include "answer.h"
#include "dotfile.h"
#include "dotline.h"
#include "settings.h"

struct plan_for {
	int home;
	const char *dash;
	const char *ext;
	const char *alias; /* "" or a key of aliases.cdb */
	const char *sender;
	const char *local;
	const char *host;
};

struct plan {
	struct dot_list list;
	struct dotfile file;
	int is_default; /* the default delivery: a missing Maildir is made */
	char newsender[3 * LIMIT_ADDRESS];
};

/* 0, or -1 with a: LATER, or NEVER when there is no such mailbox. */
int plan_make(struct plan *p, const struct plan_for *w, const struct settings *s,
	      struct answer *a);
void plan_free(struct plan *p);

/* The instructions of an alias, into p->list. */
int plan_alias(struct plan *p, const char *key, struct answer *a);

#endif
