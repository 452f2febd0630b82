/* ctlmap: a control file as a map in memory, for look-ups without case.
 *
 * The last of several equal lines counts, as in qmail. Names compare without ASCII
 * case; hashing makes 100,000 lines no slower than ten.
 * Owner:  ctlmap_free(); what ctlmap_get() gives points into the map.
 * Errors: NULL with errno; control_error() names file and line (unless ENOMEM).
 */
#ifndef QUOIN_CTLMAP_H
#define QUOIN_CTLMAP_H

#include <stddef.h>

struct ctlmap;

enum {
	CTLMAP_COLON = 1, /* lines are NAME:VALUE, split at the first colon */
	CTLMAP_ME = 2     /* no such file: the one line of control/me */
};

/* A missing file is an empty map. */
struct ctlmap *ctlmap_load(const char *name, int flags);
void ctlmap_free(struct ctlmap *m);

/* The value of key ("" in a file without colons), or NULL. line and file (may be
 * NULL) get where it stands. */
const char *ctlmap_get(const struct ctlmap *m, const char *key, unsigned *line,
		       const char **file);

/* Walk: entry i, or 0 when there are no more. */
int ctlmap_at(const struct ctlmap *m, size_t i, const char **key, const char **value,
	      unsigned *line);

#endif
