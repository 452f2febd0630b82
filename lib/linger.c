#include "linger.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "clock.h"
#include "fdio.h"

static void let_go(int fd, int64_t all_ms, int64_t quiet_ms, size_t left)
{
	int64_t end = clock_mono_ms() + all_ms;
	char sink[16384];
	int64_t now;

	while ((now = clock_mono_ms()) < end) {
		int64_t quiet = now + quiet_ms;
		ssize_t n =
		    fd_read_some(fd, sink, sizeof sink, quiet < end ? quiet : end);

		if (n <= 0 || (size_t)n >= left)
			return;
		left -= (size_t)n;
	}
}

void linger(int in, int out)
{
	if (shutdown(out, SHUT_WR) == 0)
		let_go(in, LINGER_MS, LINGER_QUIET_MS, LINGER_BYTES);
}

void linger_tls(int in, int out)
{
	if (shutdown(out, SHUT_WR) == 0)
		let_go(in, LINGER_TLS_MS, LINGER_TLS_MS, SIZE_MAX);
}
