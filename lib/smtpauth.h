/* smtpauth: control/smtpauth, the logins at next hops.
 *
 *	smart.example alice the password, to the end of its line
 *
 * A line is a host as smtproutes names it (without its port, without regard to case), a
 * user, a password; between them blanks. The first line of a host counts.
 * Owner:  smtpauth_free() wipes it; what smtpauth_logins() gives points into it.
 * Errors: NULL with errno (EACCES: not ours to read); control_error() names file and
 *         line.
 */
#ifndef QUOIN_SMTPAUTH_H
#define QUOIN_SMTPAUTH_H

#include "job.h"

struct smtpauth;

/* Without the file: an empty one. */
struct smtpauth *smtpauth_load(void);
void smtpauth_free(struct smtpauth *a);

/* Those of the hops of a route (relay.h) into j; of each host one, of a route the first
 * LIMIT_JOBAUTHS. */
void smtpauth_logins(const struct smtpauth *a, const char *route, struct job *j);

#endif
