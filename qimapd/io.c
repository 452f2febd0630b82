#include "io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "io_int.h"
#include "linger.h"

static int in_fd;
static char in[IO_IN];
static size_t in_at, in_end;
static size_t scanned; /* no LF before this one */

struct io_count io_count;

void io_init(int fd_in, int fd_out)
{
	in_fd = fd_in;
	in_at = in_end = scanned = 0;
	io_out_init(fd_out);
}

ssize_t io_receive(void *p, size_t n, int64_t deadline)
{
	struct pollfd wait = {in_fd, POLLIN, 0};

	for (;;) {
		int r = poll(&wait, 1, clock_left_ms(deadline));
		ssize_t got;

		if (r == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (r == -1 && errno == EINTR)
			continue;
		got = read(in_fd, p, n);
		if (got >= 0)
			return got;
		if (errno != EINTR && errno != EAGAIN)
			return 0; /* as gone as at the end of file */
	}
}

/* More bytes behind in_end, which is below the end of in. */
static ssize_t fill(int wait, int64_t deadline)
{
	char *p = in + in_end;
	size_t n = sizeof in - in_end;
	ssize_t r;

	if (deflate_is_on())
		r = deflate_receive(p, n, wait, deadline);
	else
		r = wait ? io_receive(p, n, deadline) : 0;
	if (r > 0) {
		in_end += (size_t)r;
		io_count.in += (size_t)r;
	}
	return r;
}

static ssize_t read_more(int64_t deadline)
{
	if (in_at == in_end) {
		in_at = in_end = scanned = 0;
	} else if (in_end == sizeof in) {
		memmove(in, in + in_at, in_end - in_at);
		in_end -= in_at;
		scanned -= in_at;
		in_at = 0;
	}
	io_spill(1);
	return fill(1, deadline);
}

/* The LF that is in the buffer, or NULL. */
static char *find_end(void)
{
	char *lf = memchr(in + scanned, '\n', in_end - scanned);

	scanned = lf != NULL ? (size_t)(lf - in) : in_end;
	return lf;
}

/* What came of a line that is too long is forgotten; who asked for it must end. */
static int too_long(void)
{
	in_at = in_end;
	errno = EMSGSIZE;
	return -1;
}

int io_line(size_t max, const char **p, size_t *n, int64_t deadline)
{
	char *lf;

	if (scanned < in_at)
		scanned = in_at;
	while ((lf = find_end()) == NULL) {
		ssize_t r;

		if (in_end - in_at > max + 1)
			return too_long();
		if ((r = read_more(deadline)) <= 0)
			return (int)r;
	}
	*p = in + in_at;
	*n = (size_t)(lf - *p);
	in_at = scanned = (size_t)(lf - in) + 1;
	if (*n > 0 && (*p)[*n - 1] == '\r')
		--*n;
	if (*n <= max)
		return 1;
	errno = EMSGSIZE;
	return -1;
}

int io_some(size_t max, const char **p, size_t *n, int64_t deadline)
{
	if (in_at == in_end) {
		ssize_t r = read_more(deadline);

		if (r <= 0)
			return (int)r;
	}
	*p = in + in_at;
	*n = in_end - in_at < max ? in_end - in_at : max;
	in_at += *n;
	return 1;
}

size_t io_pending(void)
{
	return in_end - in_at;
}

int io_wait(int fd, int ms)
{
	struct pollfd wait[2] = {{in_fd, POLLIN, 0}, {fd, POLLIN, 0}};

	io_spill(1);
	if (in_at == in_end)
		in_at = in_end = scanned = 0;
	if (in_end > in_at || fill(0, 0) > 0)
		return IO_INPUT;
	if (poll(wait, 2, ms) <= 0)
		return 0;
	return (wait[0].revents ? IO_INPUT : 0) | (wait[1].revents ? IO_OTHER : 0);
}

void io_end(void)
{
	io_spill(1);
	linger(in_fd, io_out_fd());
}

int io_compress(void)
{
	io_spill(1);
	if (deflate_begin(in + in_at, in_end - in_at) == -1)
		return -1;
	in_at = in_end = scanned = 0;
	return 0;
}
