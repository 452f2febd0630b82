/* aliasline: one entry of control/aliases, taken apart. Nothing here ends the program,
 * for the fuzz target.
 *
 *	name: target, target
 *		, target			(a line that begins with a blank goes on)
 *
 * A name is a local part, in quotes if it needs them, without regard to case. Targets:
 * an address, |command, /file, /maildir/, :include:/file, /dev/null, error:5.x.y text;
 * each may stand in double quotes (in which a backslash takes the next byte as it is),
 * and must if it has a comma.
 */
#ifndef QUOIN_ALIASLINE_H
#define QUOIN_ALIASLINE_H

#include <stddef.h>

#include "qlimits.h"
#include "sbuf.h"

/* NULL, or what is wrong. name gets the key, value the row of instructions (alias.h),
 * which is appended. */
const char *aliasline_parse(const char *p, size_t n, char name[LIMIT_ADDRESS + 1],
			    struct sbuf *value);

#endif
