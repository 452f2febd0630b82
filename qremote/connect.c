#include "connect.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "dest.h"
#include "fdio.h"

union sockets {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

static socklen_t fill(union sockets *u, int family, const void *ip, uint16_t port)
{
	memset(u, 0, sizeof *u);
	if (family == AF_INET) {
		u->in.sin_family = AF_INET;
		u->in.sin_port = htons(port);
		memcpy(&u->in.sin_addr, ip, 4);
		return sizeof u->in;
	}
	u->in6.sin6_family = AF_INET6;
	u->in6.sin6_port = htons(port);
	memcpy(&u->in6.sin6_addr, ip, 16);
	return sizeof u->in6;
}

static int bind_source(int fd, const struct config *c, int family)
{
	static const struct in6_addr any6;
	union sockets u;
	socklen_t n;

	if (family == AF_INET ? c->source4.s_addr == 0
			      : memcmp(&c->source6, &any6, sizeof any6) == 0)
		return 0;
	n = family == AF_INET ? fill(&u, family, &c->source4, 0)
			      : fill(&u, family, &c->source6, 0);
	return bind(fd, &u.sa, n);
}

int connect_to(const struct config *c, const struct target *t, int64_t deadline)
{
	static const int on = 1;
	union sockets to;
	socklen_t n = fill(&to, t->addr.family, t->addr.ip, t->port);
	int fd = socket(t->addr.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int e;

	if (fd == -1)
		return -1;
	/* Our writes are whole command groups or blocks: nothing to wait for. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (bind_source(fd, c, t->addr.family) == 0 &&
	    fd_connect(fd, &to.sa, n, deadline) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}
