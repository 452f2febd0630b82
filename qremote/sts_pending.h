/* sts_pending: domains that are being looked up, and the daily round over what is kept.
 */
#ifndef QREMOTE_STS_PENDING_H
#define QREMOTE_STS_PENDING_H

#include <poll.h>

/* At most so many at once; of the round far fewer. */
enum { STS_PENDING = 64 };

/* pair: to the half that fetches. */
void sts_pending_open(int pair);

/* Look up a domain, unless that is under way. -1: no place is free; the next tick does
 * it, as long as somebody waits. */
int sts_pending_start(const char *domain);
int sts_is_pending(const char *domain);

/* For the loop: p has STS_PENDING places; how long until the next tick. */
void sts_pending_fill(struct pollfd *p);
void sts_pending_hear(const struct pollfd *p);
int sts_pending_wait_ms(void);
void sts_pending_tick(void);

#endif
