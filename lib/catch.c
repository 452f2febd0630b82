#include "catch.h"

#include "prog.h"

int catch_signals(const int *list, sigset_t *old)
{
	int fd = sigfd_open(list, old);

	if (fd == -1)
		die_sys(EXIT_TEMP, "catch signals");
	return fd;
}
