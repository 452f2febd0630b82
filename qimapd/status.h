/* status: STATUS of a folder that need not be open (RFC 9051 6.3.11; STATUS=SIZE, CONDSTORE,
 * APPENDLIMIT, QUOTA).
 */
#ifndef QIMAPD_STATUS_H
#define QIMAPD_STATUS_H

#include <stdint.h>

#include "take.h"

enum status_item {
	STATUS_MESSAGES = 1,
	STATUS_RECENT = 2,
	STATUS_UIDNEXT = 4,
	STATUS_UIDVALIDITY = 8,
	STATUS_UNSEEN = 16,
	STATUS_DELETED = 32,
	STATUS_SIZE = 64,
	STATUS_HIGHESTMODSEQ = 128,
	STATUS_APPENDLIMIT = 256,
	STATUS_DELETED_STORAGE = 512
};

enum { STATUS_ITEMS = 10 };

struct status {
	uint64_t
	    value[STATUS_ITEMS]; /* in the order of the bits; 0 of what was not asked */
};

/* "(ITEM …)". */
int status_take(struct words *w, unsigned *items);

/* -1 with errno. */
int status_get(const char *name, unsigned items, struct status *s);
void status_put(const char *name, unsigned items,
		const struct status *s);           /* "* STATUS …" */
int status_tell(const char *name, unsigned items); /* both */

#endif
