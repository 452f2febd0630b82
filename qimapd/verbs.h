/* verbs: the table of commands, put together of the families' tables (session.h).
 */
#ifndef QIMAPD_VERBS_H
#define QIMAPD_VERBS_H

struct verb;

/* Any case; NULL: there is none of this name (behind UID, if uid). */
const struct verb *verb_find(const char *name, int uid);

/* BADs in a row. */
unsigned session_bads(void);

#endif
