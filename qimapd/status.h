/* status: STATUS of a folder that need not be open (RFC 9051 6.3.11; STATUS=SIZE, CONDSTORE,
 * APPENDLIMIT).
 */
#ifndef QIMAPD_STATUS_H
#define QIMAPD_STATUS_H

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
	STATUS_APPENDLIMIT = 256
};

/* "(ITEM …)". */
int status_take(struct words *w, unsigned *items);

/* "* STATUS …", or -1 with errno, and nothing was said. */
int status_tell(const char *name, unsigned items);

#endif
