/* deadletter: where a person's message goes if it could not be sent: to the end of
 * ~/dead.letter, an mbox that only its owner can read.
 *
 * The recipients are written as a Bcc field, since the true one is gone: so
 * `sendmail -t` sends the message as it was meant.
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_DEADLETTER_H
#define QUOIN_DEADLETTER_H

#include "send.h"

/* path gets the file's name. */
int deadletter_save(const struct mail *m, char *path, size_t size);

#endif
