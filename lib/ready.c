#include "ready.h"

#include <unistd.h>

void ready_notify(int fd)
{
	if (fd < 0)
		return;
	(void)!write(fd, "\n", 1);
	(void)close(fd);
}
