/* notify: what the client wants to be told of without asking (RFC 5465).
 *
 * The events of the selected mailbox are told by watching.c and update.c, as NOTIFY SET's
 * selected or selected-delayed says; other folders get STATUS lines, names and subscriptions
 * LIST lines. Folders are watched (maildir/watch.h), names by the time of the Maildir's
 * directory, each second. More folders than can be watched: NOTIFICATIONOVERFLOW, and it ends.
 */
#ifndef QIMAPD_NOTIFY_H
#define QIMAPD_NOTIFY_H

#include "maildir/watch.h"
#include "session.h"

enum notify_selected { NOTIFY_NOTHING, NOTIFY_NOW, NOTIFY_DELAYED };

void cmd_notify(struct command *c);
int notify_is_on(void);
enum notify_selected notify_selected(void);
int notify_selected_flags(void); /* FlagChange is among them */

/* For watching.c: what is to be told is told; how long to wait at most, or -1. */
void notify_tell(void);
int notify_timeout(void);

/* The messages from ordinal known on have come into the open mailbox, and EXISTS was told. */
void notify_new(size_t known);

/* The watch that all share. */
struct watch *watching(void);

#endif
