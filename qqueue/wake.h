/* wake: tells qsend that there is something in new/. A lost byte costs time only:
 * qsend looks from time to time.
 */
#ifndef QQUEUE_WAKE_H
#define QQUEUE_WAKE_H

/* Find the socket's name and open ours: a descriptor, or -1. */
int wake_open(void);

/* Never waits; whether anybody hears it is not asked. */
void wake_qsend(int fd);

#endif
