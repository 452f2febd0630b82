/* place: whose mail an account's is, so that a login reads what its address gets.
 *
 * Decided by the code that delivers (lib/route.h). An address of a user who exists is
 * his; one that is nobody's gets a mailbox of its own: below homes/, as that directory's
 * owner, or, in a virtual domain that is a user's, below that user's home and as he.
 * An alias, an address elsewhere, and whatever is root's are refused.
 * Errors end the program.
 */
#ifndef QAUTH_PLACE_H
#define QAUTH_PLACE_H

#include <sys/types.h>

#include "qlimits.h"

struct place {
	char name[LIMIT_ADDRESS + 1];  /* the account */
	char local[LIMIT_ADDRESS + 1]; /* what users/assign calls it */
	char base[LIMIT_PATH];         /* home lies in there; "" when it is not ours */
	char home[LIMIT_PATH];
	uid_t uid;
	gid_t gid;
};

/* name: of pwrec_key(). */
void place_find(struct place *p, const char *name);

/* Make the home and its Maildir, as the user: 1 made, 0 it was there already. */
int place_make(const struct place *p);

/* Lines of users/assign for a mailbox of its own, and the table of it. */
void place_assign(const struct place *p);

/* Take away the lines that place_assign() made for this home: how many. */
size_t place_unassign(const char *home);

/* The home in lines that place_assign() made for this account: 1, or 0 without any. */
int place_home(const char *name, char home[LIMIT_PATH]);

#endif
