/* pwtext: users/passwd, the text that qpasswd changes, and its table (lib/pwrec.h).
 *
 * An account is a line "name:...", and behind it its application passwords "+name:...".
 * Comments and empty lines may stand anywhere and are kept. Errors end the program: a
 * line that is not understood is named, and nothing was changed.
 */
#ifndef QAUTH_PWTEXT_H
#define QAUTH_PWTEXT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lines.h"
#include "pwrec.h"

/* A line's parts; they point into a copy that lives until the next pwline_get(). */
struct pwline {
	int is_app;
	const char *name;
	const char *hash;
	const char *uid, *gid, *home;         /* of an account */
	const char *label, *scopes, *expires; /* of an application password */
};

/* 1: l is set; 0: a comment, an empty line, or one that is wrong: then *why says how. */
int pwline_get(struct pwline *l, const char *text, const char **why);

/* The whole text, every line looked at. */
void pwtext_read(struct lines *t);

/* Where the account's line stands, or -1; and one of its application passwords. */
ssize_t pwtext_find(const struct lines *t, const char *name);
ssize_t pwtext_find_app(const struct lines *t, const char *name, const char *label);

/* The place behind all of an account's lines, and how many passwords it has. */
size_t pwtext_end(const struct lines *t, size_t account, size_t *passwords);

/* Remove all lines of the account. */
void pwtext_remove(struct lines *t, const char *name);

/* The text, then the table made of it. */
void pwtext_write(const struct lines *t);

/* The table of a text that one wrote who was killed then. */
void pwtext_mend(const struct lines *t);

#endif
