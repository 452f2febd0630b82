#include "usock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "paths.h"

enum { BACKLOG = 1024, FDS_MAX = 8 };

/* A file in the directory of a service: what fits here fits everywhere. */
static int address(struct sockaddr_un *a, const char *name, const char *file)
{
	int n;

	memset(a, 0, sizeof *a);
	a->sun_family = AF_UNIX;
	n = snprintf(a->sun_path, sizeof a->sun_path, "%s/%s/%s", paths.run, name, file);
	if (n < 0 || (size_t)n >= sizeof a->sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

static int lock_service(const char *name)
{
	struct sockaddr_un a;
	int fd;

	if (address(&a, name, "lock") == -1)
		return -1;
	fd = open(a.sun_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static int bind_over(int fd, const char *name, mode_t mode)
{
	struct sockaddr_un tmp;
	struct sockaddr_un final;

	if (address(&tmp, name, "sock.new") == -1 || address(&final, name, "sock") == -1)
		return -1;
	if (unlink(tmp.sun_path) == -1 && errno != ENOENT)
		return -1;
	if (bind(fd, (struct sockaddr *)&tmp, sizeof tmp) == -1 ||
	    chmod(tmp.sun_path, mode) == -1)
		return -1;
	return rename(tmp.sun_path, final.sun_path);
}

int usock_listen_locked(const char *name, int type, mode_t mode, int *lock)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd == -1)
		return -1;
	*lock = lock_service(name);
	if (*lock != -1 && bind_over(fd, name, mode) == 0 &&
	    (type == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	if (*lock != -1)
		(void)close(*lock);
	(void)close(fd);
	return -1;
}

int usock_listen(const char *name, int type, mode_t mode)
{
	int lock;

	return usock_listen_locked(name, type, mode, &lock);
}

int usock_connect(const char *name, int type)
{
	struct sockaddr_un a;
	int fd;

	if (address(&a, name, "sock") == -1)
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == -1) {
		int e = errno;

		(void)close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

int usock_peer(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred c;
	socklen_t len = sizeof c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) == -1)
		return -1;
	*uid = c.uid;
	*pid = c.pid;
	return 0;
}

int usock_pair(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
}

int usock_send(int fd, const void *p, size_t n, int pass)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = {(void *)p, n};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t w;

	if (pass >= 0) {
		struct cmsghdr *h = &control.head;

		memset(&control, 0, sizeof control);
		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof pass);
		memcpy(CMSG_DATA(h), &pass, sizeof pass);
		m.msg_control = &control;
		m.msg_controllen = sizeof control;
	}
	do
		w = sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (w == -1 && errno == EINTR);
	return w == -1 ? -1 : 0;
}

/* Collect the descriptors of a packet; anything but one is closed. The count. */
static int take_fds(struct msghdr *m, int *fd)
{
	int count = 0;

	*fd = -1;
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL; h = CMSG_NXTHDR(m, h)) {
		size_t n;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int one;

			memcpy(&one, CMSG_DATA(h) + i * sizeof one, sizeof one);
			if (count++ == 0)
				*fd = one;
			else
				(void)close(one);
		}
	}
	return count;
}

static ssize_t receive(int fd, void *p, size_t size, int *got, int flags)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {p, size};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof control};
	ssize_t r;
	int one;
	int count;

	if (got != NULL)
		*got = -1;
	do
		r = recvmsg(fd, &m, flags | MSG_CMSG_CLOEXEC);
	while (r == -1 && errno == EINTR);
	if (r == -1)
		return -1;
	count = take_fds(&m, &one);
	if (r == 0) { /* an empty frame with a descriptor is no reason to keep that */
		if (one != -1)
			(void)close(one);
		return 0;
	}
	if (m.msg_flags & MSG_TRUNC)
		errno = EMSGSIZE;
	else if ((m.msg_flags & MSG_CTRUNC) || count > (got != NULL))
		errno = EBADMSG;
	else {
		if (got != NULL)
			*got = one;
		return r;
	}
	if (one != -1)
		(void)close(one);
	return -1;
}

ssize_t usock_recv(int fd, void *p, size_t size, int *got)
{
	return receive(fd, p, size, got, MSG_DONTWAIT);
}

ssize_t usock_await(int fd, void *p, size_t size, int *got)
{
	return receive(fd, p, size, got, 0);
}
