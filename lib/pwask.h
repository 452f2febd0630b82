/* pwask: asks qgetpw without waiting. A found user is kept for 5 s, an unknown one
 * only as long as the question that asked for him (struct question).
 *
 *	request = name NUL
 *	answer  = name NUL ("+" uid:u32 gid:u32 home NUL shell NUL / "-" / "Z")
 *
 * Names in flight are asked for once, whoever waits for them. When the connection ends,
 * or nobody listens, they are asked for again for 5 s, since it may be a restart; then,
 * and 20 s after they were asked for first, they are "try later".
 */
#ifndef QUOIN_PWASK_H
#define QUOIN_PWASK_H

#include <stdint.h>

#include "owner.h"
#include "qlimits.h"
#include "route.h"

/* Who is `alias`, instead of the one that the user database knows (OWNER_NONE). */
void pwask_alias(const struct owner *o);

/* What one look-up (route_local) has asked so far. */
enum { QUESTION_MAX = 12 };
struct question {
	char waits[LIMIT_USER + 1]; /* "" when for nothing */
	int failed;
	unsigned nunknown;
	char unknown[QUESTION_MAX][LIMIT_USER + 1];
};

/* A route_getpw; arg is a struct question. EINPROGRESS: call route_local() again when
 * q->waits is "". */
int pwask_getpw(void *arg, const char *name, struct route_user *u);

/* For poll(): the connection, or -1; and how long at most until the next pwask_tick(). */
int pwask_fd(void);
int pwask_wait_ms(void);

/* Take the answers that have come, and time-outs: called for each name that was
 * settled; then pass it to question_settle() of whoever waits. result: '+' '-' 'Z' */
typedef void pwask_settled(const char *name, char result);
void pwask_receive(pwask_settled *settled);
void pwask_tick(pwask_settled *settled);

void question_settle(struct question *q, const char *name, char result);

#endif
