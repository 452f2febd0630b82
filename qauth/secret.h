/* secret: a password taken from a person or a pipe, or made; and its hash.
 *
 * Errors end the program. The caller wipes what it got (explicit_bzero).
 */
#ifndef QAUTH_SECRET_H
#define QAUTH_SECRET_H

#include "authask.h"
#include "pwrec.h"

enum {
	SECRET_GROUPS = 4,
	SECRET_GROUP = 5,
	SECRET_MADE = SECRET_GROUPS * (SECRET_GROUP + 1)
};

/* One line of standard input; from a terminal twice, without an echo. */
void secret_take(char password[LIMIT_PASSWORD + 1]);

/* "k3m9x-...": 100 random bits. */
void secret_make(char password[SECRET_MADE]);

/* By control/passwordcost. */
void secret_hash(char hash[LIMIT_PWHASH], const char *password);

/* Of one that secret_make() made: it cannot be guessed, so the hash need not be slow. */
void secret_hash_made(char hash[LIMIT_PWHASH], const char *password);

#endif
