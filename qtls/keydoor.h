/* keydoor: the tables of who may ask qtls-key: starters, and pairs of their sessions.
 * Each is remembered with the generation of keys in which it began. Nobody is waited for.
 */
#ifndef QTLS_KEYDOOR_H
#define QTLS_KEYDOOR_H

#include <poll.h>

#include "signing.h"

/* Two are there for a moment when one follows the other; a third is somebody's mistake.
 */
enum { DOOR_STARTERS = 8, DOOR_POLL = DOOR_STARTERS + SIGN_OPEN };

void keydoor_init(void);

/* What to wait for, and how long until a pair's time is over (for poll). */
nfds_t keydoor_fill(struct pollfd p[DOOR_POLL]);
int keydoor_wait_ms(void);

/* What came: p as it was filled. */
void keydoor_serve(const struct pollfd *p, nfds_t n);

/* A starter. */
void keydoor_accept(int listener);

/* No starter is heard any more, but what they have sent counts. */
void keydoor_end(void);

/* Is no session waiting? */
int keydoor_is_idle(void);

#endif
