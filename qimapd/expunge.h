/* expunge: takes messages with \Deleted out of the open mailbox.
 *
 * uids: of these alone, or NULL. Looks first at what others did. The client is not told yet:
 * update_tell(). -1 with errno. Quota is noted.
 */
#ifndef QIMAPD_EXPUNGE_H
#define QIMAPD_EXPUNGE_H

#include <stddef.h>
#include <stdint.h>

#include "set.h"

int expunge_deleted(const struct set *uids);

/* Bytes of messages on the disk, as the quota counts them; 0 where there is none. */
uint64_t messages_weight(const uint32_t *at, size_t n);

/* Tells what has gone, and ends the command with HIGHESTMODSEQ where the client wants it
 * (RFC 7162 3.2.7, 3.2.8). */
struct command;
void expunge_ok(struct command *c, const char *text);

#endif
