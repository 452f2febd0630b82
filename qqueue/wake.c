#include "wake.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "paths.h"

static struct sockaddr_un qsend = {.sun_family = AF_UNIX};

int wake_open(void)
{
	int n = snprintf(qsend.sun_path, sizeof qsend.sun_path, "%s/qsend-wake/sock",
			 paths.run);

	if (n < 0 || (size_t)n >= sizeof qsend.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

void wake_qsend(int fd)
{
	/* By name each time: qsend may have been started anew. */
	(void)sendto(fd, "n", 1, MSG_DONTWAIT | MSG_NOSIGNAL,
		     (const struct sockaddr *)&qsend, sizeof qsend);
}
