#include "heir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"

static const char magic[8] = "qtls-s1";

struct head {
	char magic[8];
	uint32_t ndoors;
	uint32_t ncrowd;
};

static int put(int fd, const void *p, size_t n)
{
	return fd_write_full(fd, p, n, CLOCK_NEVER);
}

static int get(int fd, void *p, size_t n)
{
	return fd_read_full(fd, p, n, CLOCK_NEVER);
}

/* over_exec: the doors and the file are open behind it. */
static int keep(const struct doors *d, int fd, int over_exec)
{
	int flags = over_exec ? 0 : FD_CLOEXEC;
	int r = fcntl(fd, F_SETFD, flags);

	for (size_t i = 0; i < d->n; i++)
		r |= fcntl(d->door[i].fd, F_SETFD, flags) |
		     fcntl(d->door[i].lock, F_SETFD, flags);
	return r;
}

static int save(int fd, const struct doors *d, const struct crowd *c)
{
	struct head h = {.ndoors = (uint32_t)d->n, .ncrowd = (uint32_t)c->n};

	memcpy(h.magic, magic, sizeof magic);
	if (put(fd, &h, sizeof h) == -1)
		return -1;
	for (size_t i = 0; i < d->n; i++) {
		int32_t door[2] = {d->door[i].fd, d->door[i].lock};

		if (put(fd, door, sizeof door) == -1)
			return -1;
	}
	if (put(fd, c->member, c->n * sizeof *c->member) == -1 ||
	    lseek(fd, 0, SEEK_SET) == -1)
		return -1;
	return keep(d, fd, 1);
}

int heir_make(const char *program, const char **argv, const char **place,
	      const struct doors *d, const struct crowd *c)
{
	static char number[16];
	int fd = memfd_create("qtls", MFD_CLOEXEC);
	int e;

	if (fd == -1)
		return -1;
	if (save(fd, d, c) == 0) {
		(void)snprintf(number, sizeof number, "%d", fd);
		argv[0] = program;
		*place = number;
		(void)execv(program, (char **)argv);
	}
	e = errno;
	(void)keep(d, fd, 0);
	(void)close(fd);
	errno = e;
	return -1;
}

static int load(int fd, struct doors *d, struct crowd *c)
{
	struct head h;
	int32_t door[2];

	if (get(fd, &h, sizeof h) == -1 || memcmp(h.magic, magic, sizeof magic) != 0 ||
	    h.ndoors != d->n || h.ncrowd > CROWD_MAX)
		return -1;
	for (size_t i = 0; i < d->n; i++) {
		if (get(fd, door, sizeof door) == -1 || fd_cloexec(door[0]) == -1 ||
		    fd_cloexec(door[1]) == -1)
			return -1;
		d->door[i].fd = door[0];
		d->door[i].lock = door[1];
	}
	c->n = h.ncrowd;
	return get(fd, c->member, c->n * sizeof *c->member);
}

int heir_load(int fd, struct doors *d, struct crowd *c)
{
	int r = load(fd, d, c);

	(void)close(fd);
	if (r == -1)
		errno = EBADMSG;
	return r;
}
