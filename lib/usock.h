/* usock: Quoin's sockets in the file system, and frames with descriptors.
 *
 * A service's directory under run/ is made at install and decides who may
 * connect (ARCHITECTURE.md, "How they talk"). Nothing here blocks but where a
 * deadline says so. Descriptors made or received are close-on-exec.
 * Errors: -1 with errno.
 */
#ifndef QUOIN_USOCK_H
#define QUOIN_USOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Listen at run/NAME/sock (paths.h): lock run/NAME/lock, bind a temporary name, rename
 * it over the old. type is SOCK_STREAM or SOCK_SEQPACKET (with a backlog of 1024) or
 * SOCK_DGRAM; mode is the socket's. The lock lives as long as the process.
 * EWOULDBLOCK: another process serves this directory. The result does not block. */
int usock_listen(const char *name, int type, mode_t mode);

/* The same, for who hands the socket on over an exec, and *lock with it. */
int usock_listen_locked(const char *name, int type, mode_t mode, int *lock);

/* Connect to run/NAME/sock. ENOENT and ECONNREFUSED mean that nobody serves it. */
int usock_connect(const char *name, int type);

/* Who called connect(): uid and pid of the peer. */
int usock_peer(int fd, uid_t *uid, pid_t *pid);

/* A connected SOCK_SEQPACKET pair, close-on-exec. */
int usock_pair(int fds[2]);

/* Send one frame, with a descriptor if pass >= 0 (it stays the caller's).
 * Never blocks: EAGAIN when the peer's buffer is full. 0, or -1. */
int usock_send(int fd, const void *p, size_t n, int pass);

/* Receive one frame of at most size bytes: its length, 0 at the end of file
 * (empty frames are never sent), -1 with EAGAIN when there is none, EMSGSIZE when
 * it was longer. *got is the descriptor that came with it or -1; with got NULL,
 * or more than one descriptor, what came is closed and the frame is EBADMSG. */
ssize_t usock_recv(int fd, void *p, size_t size, int *got);

/* The same, and wait for it. */
ssize_t usock_await(int fd, void *p, size_t size, int *got);

#endif
