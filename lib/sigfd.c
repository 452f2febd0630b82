#include "sigfd.h"

#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

int sigfd_open(const int *list, sigset_t *old)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (; *list != 0; list++)
		(void)sigaddset(&set, *list);
	if (sigprocmask(SIG_BLOCK, &set, old) == -1)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int sigfd_next(int fd)
{
	struct signalfd_siginfo got;

	return read(fd, &got, sizeof got) == (ssize_t)sizeof got ? (int)got.ssi_signo : 0;
}
