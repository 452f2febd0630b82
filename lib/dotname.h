/* dotname: the names of the dot-files that may decide over an address, in the order in
 * which qlocal tries them: .qmail DASH EXT; then, unless DASH is empty, .qmail DASH PART
 * default for each shorter part that ends at a dash, at last .qmail DASH default. EXT is
 * in lower case, its dots are colons; with a slash in it no file is looked for.
 */
#ifndef QUOIN_DOTNAME_H
#define QUOIN_DOTNAME_H

#include "qlimits.h"

struct dotname {
	char path[2 * LIMIT_PATH + LIMIT_ADDRESS]; /* HOME/.qmail... */
	char ext[LIMIT_ADDRESS + 1];
	const char *home;
	const char *dash;
	long next; /* length of the part that comes next, -1 for all of ext */
};

/* home and dash must live as long. */
void dotname_init(struct dotname *d, const char *home, const char *dash, const char *ext);

/* The next name into d->path: 1, or 0 when there is none. */
int dotname_next(struct dotname *d);

#endif
