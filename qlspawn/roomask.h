/* roomask: asks qlspawn whether a mailbox has room, without waiting.
 *
 * An answer is kept for 60 s. Where nobody answers within 3 s, or too many are asked for, it is
 * yes: delivery decides.
 */
#ifndef QLSPAWN_ROOMASK_H
#define QLSPAWN_ROOMASK_H

/* '+' room, '-' it is full, 0 wait: ask again after roomask_receive() or the time that
 * roomask_wait_ms() says. */
char roomask(const char *local);

/* For poll(): the connection, or -1; and how long at most (-1: nobody waits). */
int roomask_fd(void);
int roomask_wait_ms(void);
/* Take the answers that have come. */
void roomask_receive(void);

#endif
