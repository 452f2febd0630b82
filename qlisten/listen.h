/* listen: the listening sockets.
 *
 * address: an IPv4 or IPv6 address, "0.0.0.0" or "::" for any of one family, "0" for any
 * of both (IPv4 alone where there is no IPv6); port: a number. The sockets do not
 * block and are close-on-exec.
 */
#ifndef QLISTEN_LISTEN_H
#define QLISTEN_LISTEN_H

/* A descriptor, or -1 with errno (EINVAL: no address or port). */
int listen_open(const char *address, const char *port, int backlog);

/* Is fd what listen_open() made of them? */
int listen_is_at(int fd, const char *address, const char *port);

#endif
