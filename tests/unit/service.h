/* service: a home below /tmp with the directory run/NAME of one service, where its socket
 * can be made; and the end of it. */
#ifndef TESTS_SERVICE_H
#define TESTS_SERVICE_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paths.h"

static char service_home[] = "/tmp/test_service.XXXXXX";

static inline void in_run(char path[64], const char *name, const char *file)
{
	(void)snprintf(path, 64, "%s/run%s%s", service_home, name, file);
}

/* name: "/NAME" */
static inline int service_begin(const char *name)
{
	char path[64];

	if (mkdtemp(service_home) == NULL || paths_under(service_home) == -1)
		return -1;
	in_run(path, "", "");
	if (mkdir(path, 0700) == -1)
		return -1;
	in_run(path, name, "");
	return mkdir(path, 0700);
}

static inline int service_end(const char *name)
{
	char path[64];

	in_run(path, name, "/sock");
	(void)unlink(path);
	in_run(path, name, "/lock");
	(void)unlink(path);
	in_run(path, name, "");
	(void)rmdir(path);
	in_run(path, "", "");
	(void)rmdir(path);
	return rmdir(service_home);
}

#endif
