#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "listen.h"
#include "seats.h"

enum { SEATS_MAX = 100000 };

struct head {
	char magic[8];
	uint32_t nfds;
	uint32_t nseats;
};
static const char magic[8] = "qlisten1";

static int put(int fd, const void *p, size_t n)
{
	return fd_write_full(fd, p, n, CLOCK_NEVER);
}

static int get(int fd, void *p, size_t n)
{
	return fd_read_full(fd, p, n, CLOCK_NEVER);
}

static int keep_over_exec(int fd, int keep)
{
	return fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

static int keep_all(const struct options *o, int fd, int keep)
{
	int r = keep_over_exec(fd, keep);

	for (size_t i = 0; i < o->nfds; i++)
		r |= keep_over_exec(o->fds[i], keep);
	return r;
}

static int put_all(int fd, const struct options *o, const struct seat *seat, unsigned n)
{
	struct head h = {.nfds = (uint32_t)o->nfds, .nseats = n};

	memcpy(h.magic, magic, sizeof magic);
	if (put(fd, &h, sizeof h) == -1)
		return -1;
	for (size_t i = 0; i < o->nfds; i++) {
		int32_t n32 = o->fds[i];

		if (put(fd, &n32, sizeof n32) == -1)
			return -1;
	}
	return put(fd, seat, n * sizeof *seat);
}

int handover_save(const struct options *o)
{
	unsigned n = seats_taken(o->seats);
	struct seat *seat = calloc(n + 1, sizeof *seat);
	int fd = memfd_create("qlisten", MFD_CLOEXEC);
	int r = -1;

	if (seat != NULL && fd != -1) {
		n = seats_list(o->seats, seat, n);
		if (put_all(fd, o, seat, n) == 0 && lseek(fd, 0, SEEK_SET) == 0)
			r = keep_all(o, fd, 1);
	}
	free(seat);
	if (r == 0)
		return fd;
	if (fd != -1)
		handover_undo(o, fd);
	return -1;
}

void handover_undo(const struct options *o, int fd)
{
	int e = errno;

	(void)keep_all(o, fd, 0);
	(void)close(fd);
	errno = e;
}

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

static int load_fds(int fd, struct handover *h, uint32_t n)
{
	for (h->nfds = 0; h->nfds < n; h->nfds++) {
		int32_t n32;

		if (get(fd, &n32, sizeof n32) == -1)
			return bad();
		h->fds[h->nfds] = n32;
		if (keep_over_exec(n32, 0) == -1)
			return bad();
	}
	return 0;
}

/* Whoever waits for children in between, a shell, takes their ends as well. */
static int is_running_child(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

static int load_seats(int fd, struct seats *s, uint32_t n)
{
	struct seat seat;

	for (; n > 0; n--) {
		if (get(fd, &seat, sizeof seat) == -1)
			return bad();
		if (is_running_child(seat.pid))
			seats_restore(s, &seat);
	}
	return 0;
}

static int load(int fd, struct handover *h, struct seats *s)
{
	struct head head;

	if (get(fd, &head, sizeof head) == -1 ||
	    memcmp(head.magic, magic, sizeof magic) != 0 || head.nfds > LISTENERS_MAX ||
	    head.nseats > SEATS_MAX)
		return bad();
	if (load_fds(fd, h, head.nfds) == -1)
		return -1;
	return load_seats(fd, s, head.nseats);
}

int handover_load(int fd, struct handover *h, struct seats *s)
{
	int r;

	*h = (struct handover){.nfds = 0};
	r = load(fd, h, s);
	(void)close(fd);
	return r;
}

int handover_take(struct handover *h, const char *address, const char *port)
{
	for (size_t i = 0; i < h->nfds; i++) {
		int fd = h->fds[i];

		if (fd == -1 || !listen_is_at(fd, address, port))
			continue;
		h->fds[i] = -1;
		return fd;
	}
	return -1;
}

void handover_close(struct handover *h)
{
	for (size_t i = 0; i < h->nfds; i++)
		if (h->fds[i] != -1)
			(void)close(h->fds[i]);
	h->nfds = 0;
}
