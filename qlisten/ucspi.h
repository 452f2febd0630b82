/* ucspi: the environment of a connection, as tcpserver makes it.
 */
#ifndef QLISTEN_UCSPI_H
#define QLISTEN_UCSPI_H

#include <netinet/in.h>
#include <stddef.h>

/* A sockaddr as text, a mapped address as plain IPv4. */
struct endpoint {
	char ip[INET6_ADDRSTRLEN];
	char ip6[INET6_ADDRSTRLEN]; /* IPv4 mapped */
	char port[8];
	int is_ip6;
};

void endpoint_set(struct endpoint *e, const struct sockaddr *sa);

enum { UCSPI_VARS = 256, UCSPI_TEXT = 16384 };

struct ucspi {
	char *vars[UCSPI_VARS + 1];
	size_t nvars;
	char text[UCSPI_TEXT];
	size_t used;
};

/* Start from our own environment, without what a UCSPI server sets. */
void ucspi_init(struct ucspi *u, char **environment);

/* NAME=VALUE; replaces. -1: no room. */
int ucspi_put(struct ucspi *u, const char *var);

/* All of a connection; host (ours and theirs) may be NULL. */
int ucspi_connection(struct ucspi *u, const struct endpoint *local,
		     const char *local_host, const struct endpoint *remote,
		     const char *remote_host);

#endif
