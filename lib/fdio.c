#include "fdio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "qlimits.h"

int fd_wait(int fd, short events, int64_t deadline)
{
	struct pollfd p = {fd, events, 0};

	for (;;) {
		int n = poll(&p, 1, clock_left_ms(deadline));

		if (n > 0)
			return 0;
		if (n == 0 && clock_left_ms(deadline) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (n == -1 && errno != EINTR)
			return -1;
	}
}

/* A blocking descriptor must not block behind our back: ask first. */
static int ready(int fd, short events, int64_t deadline)
{
	return deadline == CLOCK_NEVER ? 0 : fd_wait(fd, events, deadline);
}

static int may_repeat(int fd, short events, int64_t deadline)
{
	if (errno == EINTR)
		return 1;
	return (errno == EAGAIN || errno == EWOULDBLOCK) &&
	       fd_wait(fd, events, deadline) == 0;
}

ssize_t fd_read_some(int fd, void *p, size_t n, int64_t deadline)
{
	for (;;) {
		ssize_t r;

		if (ready(fd, POLLIN, deadline) == -1)
			return -1;
		r = read(fd, p, n);
		if (r >= 0 || !may_repeat(fd, POLLIN, deadline))
			return r;
	}
}

int fd_write_at(int fd, const void *p, size_t n, uint64_t at)
{
	const char *from = p;

	while (n > 0) {
		ssize_t w = pwrite(fd, from, n, (off_t)at);

		if (w == -1 && errno == EINTR)
			continue;
		if (w == -1)
			return -1;
		from += w;
		n -= (size_t)w;
		at += (uint64_t)w;
	}
	return 0;
}

ssize_t fd_read_at(int fd, void *p, size_t n, uint64_t at)
{
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(fd, (char *)p + got, n - got, (off_t)(at + got));

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int fd_read_full(int fd, void *p, size_t n, int64_t deadline)
{
	char *at = p;

	while (n > 0) {
		ssize_t r = fd_read_some(fd, at, n, deadline);

		if (r == 0)
			errno = EPIPE;
		if (r <= 0)
			return -1;
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

int fd_write_full(int fd, const void *p, size_t n, int64_t deadline)
{
	const char *at = p;

	while (n > 0) {
		ssize_t w;

		if (ready(fd, POLLOUT, deadline) == -1)
			return -1;
		w = write(fd, at, n);
		if (w == -1 && !may_repeat(fd, POLLOUT, deadline))
			return -1;
		if (w > 0) {
			at += w;
			n -= (size_t)w;
		}
	}
	return 0;
}

int fd_connect(int fd, const struct sockaddr *to, socklen_t n, int64_t deadline)
{
	int e = 0;
	socklen_t size = sizeof e;

	if (connect(fd, to, n) == 0)
		return 0;
	if (errno != EINPROGRESS || fd_wait(fd, POLLOUT, deadline) == -1 ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &size) == -1)
		return -1;
	errno = e;
	return e == 0 ? 0 : -1;
}

int fd_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags == -1 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int fd_cloexec(int fd)
{
	return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int fd_move(int want, int fd)
{
	if (fd == want)
		return fcntl(fd, F_SETFD, 0);
	if (dup2(fd, want) == -1)
		return -1;
	return close(fd);
}

int fd_fill_std(void)
{
	struct pollfd p[3] = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};

	if (poll(p, 3, 0) == -1)
		return -1;
	for (int i = 0; i < 3; i++) {
		/* Lowest first: open() takes just this number. Reading from 0 gives
		 * EBADF, and so does writing to the others. */
		if ((p[i].revents & POLLNVAL) &&
		    open("/dev/null", i == 0 ? O_WRONLY : O_RDONLY) != i)
			return -1;
	}
	return 0;
}

int fd_sync_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd == -1)
		return -1;
	r = fsync(fd);
	return close(fd) == -1 ? -1 : r;
}

int fd_sync_parent(const char *path)
{
	char dir[LIMIT_PATH];
	char *slash;

	(void)snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return fd_sync_dir(".");
	slash[slash == dir] = '\0';
	return fd_sync_dir(dir);
}
