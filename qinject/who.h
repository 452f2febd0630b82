/* who: the author and the envelope sender, from qmail-inject's environment.
 *
 *	user	QMAILUSER MAILUSER USER LOGNAME, else /etc/passwd, else anonymous
 *	host	QMAILHOST MAILHOST, else defaulthost
 *	name	QMAILNAME MAILNAME NAME, else none
 *	sender	QMAILSUSER at QMAILSHOST, each else the user and host above
 *
 * Anybody may set these: the queue file's U field has the true uid.
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_WHO_H
#define QUOIN_WHO_H

#include "qlimits.h"

int who_author(char kept[LIMIT_ADDRESS + 1]);
int who_sender(char kept[LIMIT_ADDRESS + 1]);

/* *name is NULL if there is none. */
int who_name(const char **name);

#endif
