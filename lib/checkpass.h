/* checkpass: what a checkpassword program reads from its descriptor 3,
 *
 *	user NUL password NUL third NUL
 *
 * The third is a timestamp by the interface (qmail's checkpassword); our own judges are told
 * the service there.
 * Owner:  text is the caller's, who wipes it. Nothing of the password stays elsewhere: no
 *         printf() writes it, since musl's keeps a copy on the stack.
 * Errors: none; w keeps to the limits of authask.h.
 */
#ifndef QUOIN_CHECKPASS_H
#define QUOIN_CHECKPASS_H

#include <stddef.h>

#include "authask.h"

enum { CHECKPASS_THIRD = 24 }; /* bytes of a third, at most */

/* Both give the length. */
size_t checkpass_put(char text[LIMIT_AUTHFRAME], const struct auth_want *w,
		     const char *third);
size_t checkpass_put_time(char text[LIMIT_AUTHFRAME], const struct auth_want *w);

#endif
