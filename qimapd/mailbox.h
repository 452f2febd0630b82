/* mailbox: the user's Maildir, found and made before the sandbox closes around it.
 */
#ifndef QIMAPD_MAILBOX_H
#define QIMAPD_MAILBOX_H

#include "jail.h"
#include "maildir/store.h"

/* Makes it, durably, if it is missing and the directory that it would be in is there. The
 * working directory is the Maildir then. -1 with errno. */
int mailbox_open(struct store *s, const char *path);

/* The profile, with the Maildir for its path /HOME. */
int mailbox_jail(const struct jail_profile *p, const struct store *s);

#endif
