/* sts_clients: those who ask qsts, and what they wait for. */
#ifndef QREMOTE_STS_CLIENTS_H
#define QREMOTE_STS_CLIENTS_H

#include <poll.h>

#include "sts_record.h"

enum { STS_CLIENTS = 500 };

/* For the loop: p has STS_CLIENTS places. */
void sts_clients_fill(struct pollfd *p);
void sts_clients_hear(const struct pollfd *p);
void sts_clients_take(int sock);

/* Of this domain all is known that will be: answer who waits for it, from the cache, or
 * by r if that is not NULL. */
void sts_clients_answer(const char *domain, const struct sts_record *r);

/* Is a domain waited for that is not looked up yet? */
const char *sts_clients_next(void);

#endif
