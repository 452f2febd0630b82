#include <errno.h>
#include <poll.h>
#include <string.h>

#include "clock.h"
#include "prog.h"
#include "tlsgate.h"

enum { READY_MS = 10000, PAUSE_MS = 100 };

static int is_shut(int e)
{
	return e == ENOENT || e == ECONNREFUSED || e == ECONNRESET || e == EPIPE;
}

int tlsgate_serve(struct tlsgate *g, const char *service, const struct tls_want *w,
		  int tcp, int64_t until)
{
	while (tlsgate_open(g, service, w, tcp, clock_mono_ms() + READY_MS) == -1) {
		if (g->letter != '\0' || !is_shut(errno) || clock_left_ms(until) == 0) {
			warn_msg("unable to ask for TLS: %s",
				 g->letter != '\0' ? g->text : strerror(errno));
			return -1;
		}
		(void)poll(NULL, 0, PAUSE_MS);
	}
	return 0;
}
