/* Output of io.h: collected, and written in large pieces. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io.h"
#include "io_copy.h"
#include "io_int.h"

enum { PAGE = 4096, KEPT = 65536 };

static int out_fd;
static _Alignas(PAGE) char out[IO_OUT];
static size_t out_len;
static int is_large;   /* what lies behind KEPT has been written to */
static int is_flushed; /* nothing lies in zlib */

void io_out_init(int fd)
{
	out_fd = fd;
	out_len = 0;
	is_flushed = 1;
}

int io_out_fd(void)
{
	return out_fd;
}

static ssize_t send_some(const char *p, size_t n)
{
	ssize_t r = send(out_fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	return r == -1 && errno == ENOTSOCK ? write(out_fd, p, n) : r;
}

void io_send(const char *p, size_t n)
{
	struct pollfd wait = {out_fd, POLLOUT, 0};

	while (n > 0) {
		ssize_t r = send_some(p, n);

		if (r > 0) {
			p += r;
			n -= (size_t)r;
		} else if (r == -1 && errno == EINTR) {
			continue;
		} else if (r == 0 || errno != EAGAIN) {
			io_lost("gone while it was told");
		} else if (poll(&wait, 1, IO_STALL) == 0) {
			io_lost("does not read");
		}
	}
}

/* Pages that a session would only hold while it waits. */
static void give_back(void)
{
	if (is_large)
		(void)madvise(out + KEPT, sizeof out - KEPT, MADV_DONTNEED);
	is_large = 0;
}

void io_spill(int end)
{
	size_t n = out_len;

	if (n == 0 && (!end || is_flushed))
		return;
	out_len = 0;
	is_large |= n > KEPT;
	io_count.out += n;
	if (deflate_is_on())
		deflate_send(out, n, end);
	else
		io_send(out, n);
	is_flushed = end || !deflate_is_on();
	if (end)
		give_back();
}

void io_flush(void)
{
	io_spill(1);
}

char *io_room(size_t n)
{
	if (n > sizeof out - out_len)
		io_spill(0);
	return out + out_len;
}

void io_wrote(size_t n)
{
	out_len += n;
}

void io_put(const void *p, size_t n)
{
	const char *from = p;

	while (n > 0) {
		size_t room = sizeof out - out_len;
		size_t part = n < room ? n : room;

		io_copy(out + out_len, from, part);
		out_len += part;
		from += part;
		n -= part;
		if (out_len == sizeof out)
			io_spill(0);
	}
}

void io_puts(const char *s)
{
	io_put(s, strlen(s));
}

void io_putc(char c)
{
	*io_room(1) = c;
	out_len++;
}

void io_number(uint64_t n)
{
	char digits[20];
	size_t i = sizeof digits;

	do
		digits[--i] = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	io_put(digits + i, sizeof digits - i);
}
