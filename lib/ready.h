/* ready: tell the supervisor that we serve: a line feed on the descriptor of the
 * service directory's notification-fd, then close it. Harmless when fd is not
 * open or negative.
 */
#ifndef QUOIN_READY_H
#define QUOIN_READY_H

void ready_notify(int fd);

#endif
