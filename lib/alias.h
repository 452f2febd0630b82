/* alias: the values of control/aliases.cdb, made by qnewaliases, carried out by qlocal
 * as the user `alias`.
 *
 * Key: the name, lower case. Value: one or more instructions, each ends with a NUL:
 *
 *	&address	forward; without a domain, envnoathost is added on the way
 *	|command	sh -c, in ~alias, with the environment of a dot-file's program
 *	/path		append to an mbox; with a final slash: a Maildir
 *	<path		:include: the file's lines, read at each delivery (below)
 *	-		discard (/dev/null): delivered, with a log line
 *	!x.y.z text	refuse for ever with this enhanced status (`error:5.1.6 text`)
 *	#line		(first) where it stands in control/aliases; alias_next() skips it
 *
 * Each instruction is one target: forwards are done last, in one submission, as in
 * a dot-file. `!` and `-` stand alone in their value.
 * An included file is read as `alias` and holds addresses, `#` comments and blank lines
 * only (ARCHITECTURE.md says why); anything else in it, a file that is not a plain
 * one, or a world-writable one, is a temporary failure.
 */
#ifndef QUOIN_ALIAS_H
#define QUOIN_ALIAS_H

#include <stddef.h>

#include "cursor.h"
#include "qlimits.h"

enum alias_kind {
	ALIAS_FORWARD = '&',
	ALIAS_PROGRAM = '|',
	ALIAS_FILE = '/',
	ALIAS_INCLUDE = '<',
	ALIAS_DISCARD = '-',
	ALIAS_ERROR = '!'
};

struct alias_item {
	enum alias_kind kind;
	const char *text; /* ALIAS_FILE: with its first slash; others without the sign */
};

/* The value of a name in control/aliases.cdb (lower case), for free(): 1; 0 if there is
 * no such alias; -1 with errno when the table cannot be read. */
int alias_find(const char *name, char **value, size_t *len);

/* Take the next instruction of a value. 1, 0 at the end, -1 with EBADMSG. */
int alias_next(struct cursor *value, struct alias_item *item);

/* One line of an included file, without its line end: 1 and the address in kept form
 * (a name without @ is an address too), 0 for a comment or a blank line, -1 with
 * EINVAL. */
int alias_include_line(const char *p, size_t n, char address[LIMIT_ADDRESS + 1]);

#endif
