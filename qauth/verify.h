/* verify: is this the password of that account?
 *
 * The same work whatever is wrong: a name that does not exist, an account without a
 * password and an application password that is expired cost one hash of the usual cost,
 * as a wrong main password does. Application passwords are made by qpasswd, too long to
 * be guessed, and so have hashes that cost next to nothing.
 */
#ifndef QAUTH_VERIFY_H
#define QAUTH_VERIFY_H

#include <stdint.h>

#include "cost.h"
#include "table.h"

enum verdict { VERDICT_RIGHT, VERDICT_WRONG, VERDICT_LATER };

/* t: users/passwd.cdb, NULL when there is none. key: of pwrec_key(). VERDICT_LATER with
 * errno: a broken table, no memory. */
enum verdict verify(struct table *t, const char *key, const char *password,
		    const char *service, int64_t now, const struct cost *usual);

#endif
