/* route_int: what the files of lib/route share. */
#ifndef QUOIN_ROUTE_INT_H
#define QUOIN_ROUTE_INT_H

#include "route.h"

/* Who watches, and where the text goes. */
struct watch {
	route_trace *trace;
	void *arg;
};

__attribute__((format(printf, 2, 3))) void route_say(const struct watch *w,
						     const char *fmt, ...);

/* Sets route_error(); -1 with errno e. */
__attribute__((format(printf, 2, 3))) int route_fail(int e, const char *fmt, ...);

/* ASCII lower case, in place. */
void route_lower(char *s);

/* Our own addresses, for mail to box@[192.0.2.1]. Gathered once: the sandbox may
 * forbid it later. -1 with errno. */
int route_own_load(void);
int route_own_literal(const char *domain);

#endif
