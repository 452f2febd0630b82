/* progenv: the environment of a dot-file's programs, qmail-command(8): SENDER NEWSENDER
 * RECIPIENT USER HOME HOST HOST2 HOST3 HOST4 LOCAL EXT EXT2 EXT3 EXT4 DEFAULT RPLINE
 * DTLINE UFLINE, and PATH. Nothing is inherited.
 *
 * Values come from strangers. They have no control bytes (delivery.h; but the line end of
 * the three lines); one that begins with "() {" is left out, because old shells run it.
 * Owner:  progenv_free(). Errors: -1 with errno.
 */
#ifndef QLOCAL_PROGENV_H
#define QLOCAL_PROGENV_H

#include "asked.h"
#include "delivery.h"

enum { PROGENV_MAX = 24 };

struct progenv {
	char *vars[PROGENV_MAX + 1]; /* NULL ends it: for execve */
	size_t n;
};

/* matched: what -default stood for, or NULL. */
int progenv_make(struct progenv *e, const struct delivery *d, const char *user,
		 const char *home, const char *newsender, const char *matched);

/* DSNENVID, DSNRET, DSNNOTIFY, DSNORCPT; nothing for what was not asked. */
int progenv_asked(struct progenv *e, const struct asked *a);
void progenv_free(struct progenv *e);

#endif
