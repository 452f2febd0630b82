/* fdio: whole reads and writes on descriptors, with a deadline where the other
 * side is foreign.
 *
 * Errors: -1 with errno; ETIMEDOUT when the deadline (clock.h, CLOCK_NEVER for
 *         none) passed, EPIPE when the other side is gone. EINTR is repeated.
 * Deadlines work with blocking and non-blocking descriptors alike.
 */
#ifndef QUOIN_FDIO_H
#define QUOIN_FDIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

/* Exactly n bytes. A read that meets the end of file gives -1 with EPIPE. */
int fd_read_full(int fd, void *p, size_t n, int64_t deadline);
int fd_write_full(int fd, const void *p, size_t n, int64_t deadline);

/* All of n bytes to a file, from the offset at on; no deadline. */
int fd_write_at(int fd, const void *p, size_t n, uint64_t at);

/* n bytes of a file, from the offset at on; no deadline. Fewer only where it ends. */
ssize_t fd_read_at(int fd, void *p, size_t n, uint64_t at);

/* What is there, at most n: a count, 0 at the end of file. */
ssize_t fd_read_some(int fd, void *p, size_t n, int64_t deadline);

/* Wait for POLLIN or POLLOUT: 0, or -1 with ETIMEDOUT. */
int fd_wait(int fd, short events, int64_t deadline);

/* Connect a socket that does not block. */
int fd_connect(int fd, const struct sockaddr *to, socklen_t n, int64_t deadline);

int fd_nonblock(int fd);
int fd_cloexec(int fd);

/* Move fd to number want (closing what is there); for children about to exec. */
int fd_move(int want, int fd);

/* For commands that strangers start: if descriptors 0, 1 or 2 are closed, put
 * something there that fails when it is used, so that no file of ours gets their
 * number and is taken for input, output or a place for messages. */
int fd_fill_std(void);

/* fsync of a directory given by path; of the one that holds path. */
int fd_sync_dir(const char *path);
int fd_sync_parent(const char *path);

#endif
