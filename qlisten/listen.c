#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "num.h"

static int fail(int e)
{
	errno = e;
	return -1;
}

struct where {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} addr;
	socklen_t len;
	int both; /* families */
};

static int parse(struct where *w, const char *address, const char *port)
{
	uint64_t n;

	memset(w, 0, sizeof *w);
	if (num_parse(port, 65535, &n) == -1)
		return fail(EINVAL);
	w->both = strcmp(address, "0") == 0;
	if (inet_pton(AF_INET, address, &w->addr.in.sin_addr) == 1) {
		w->addr.in.sin_family = AF_INET;
		w->addr.in.sin_port = htons((in_port_t)n);
		w->len = sizeof w->addr.in;
		return 0;
	}
	if (inet_pton(AF_INET6, w->both ? "::" : address, &w->addr.in6.sin6_addr) != 1)
		return fail(EINVAL);
	w->addr.in6.sin6_family = AF_INET6;
	w->addr.in6.sin6_port = htons((in_port_t)n);
	w->len = sizeof w->addr.in6;
	return 0;
}

static int prepare(int fd, const struct where *w, int backlog)
{
	int on = 1;
	int only = !w->both;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == -1)
		return -1;
	if (w->addr.sa.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only) == -1)
		return -1;
	return bind(fd, &w->addr.sa, w->len) == -1 ? -1 : listen(fd, backlog);
}

int listen_open(const char *address, const char *port, int backlog)
{
	struct where w;
	int fd;
	int e;

	if (parse(&w, address, port) == -1)
		return -1;
	fd = socket(w.addr.sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 && errno == EAFNOSUPPORT && w.both)
		return listen_open("0.0.0.0", port, backlog);
	if (fd == -1 || prepare(fd, &w, backlog) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	return fail(e);
}

static int has_both(int fd)
{
	int only = 0;
	socklen_t len = sizeof only;

	return getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, &len) == 0 && !only;
}

static int is_same(const struct where *a, const struct where *b)
{
	if (a->addr.sa.sa_family != b->addr.sa.sa_family)
		return 0;
	if (a->addr.sa.sa_family == AF_INET)
		return a->addr.in.sin_port == b->addr.in.sin_port &&
		       a->addr.in.sin_addr.s_addr == b->addr.in.sin_addr.s_addr;
	return a->addr.in6.sin6_port == b->addr.in6.sin6_port && a->both == b->both &&
	       IN6_ARE_ADDR_EQUAL(&a->addr.in6.sin6_addr, &b->addr.in6.sin6_addr);
}

int listen_is_at(int fd, const char *address, const char *port)
{
	struct where want;
	struct where is = {.len = sizeof is.addr};

	if (parse(&want, address, port) == -1 ||
	    getsockname(fd, &is.addr.sa, &is.len) == -1)
		return 0;
	if (is.addr.sa.sa_family == AF_INET && want.both) /* there was no IPv6 */
		return listen_is_at(fd, "0.0.0.0", port);
	is.both = is.addr.sa.sa_family == AF_INET6 && has_both(fd);
	return is_same(&want, &is);
}
