#include "mime/convert.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "fdio.h"
#include "mime/convert_int.h"
#include "sbuf.h"

static struct {
	const struct jail_profile *profile;
	int running;
	int fd;
	pid_t pid;
	int starts;
	uint32_t known;
	uint32_t text;
	uint32_t which;
} converter;

void convert_profile(const struct jail_profile *p)
{
	converter.profile = p;
}

void convert_stop(void)
{
	if (converter.running)
		(void)close(converter.fd);
	converter.running = 0;
	if (converter.pid > 0 && waitpid(converter.pid, NULL, WNOHANG) != 0)
		converter.pid = 0;
}

/* One frame, or -1 when it does not come in time. */
static ssize_t frame(void *p, size_t n)
{
	if (fd_wait(converter.fd, POLLIN, clock_mono_ms() + CONVERT_WAIT) == -1)
		return -1;
	return read(converter.fd, p, n);
}

static int start(void)
{
	int pair[2];

	convert_stop();
	if (converter.starts >= CONVERT_STARTS ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return -1;
	converter.starts++;
	converter.pid = fork();
	if (converter.pid == 0) {
		(void)close(pair[0]);
		convert_child(pair[1], converter.profile);
	}
	(void)close(pair[1]);
	converter.fd = pair[0];
	converter.running = 1;
	if (converter.pid == -1 || frame(&converter.known, sizeof converter.known) !=
				       (ssize_t)sizeof converter.known) {
		convert_stop();
		return -1;
	}
	return 0;
}

int convert_begin(uint32_t which, uint32_t *text)
{
	if (which >= CONVERT_COUNT || (!converter.running && start() == -1) ||
	    (converter.known >> which & 1) == 0)
		return 0;
	*text = ++converter.text;
	converter.which = which;
	return 1;
}

/* The answer lands in out, the letter behind it goes. */
static int take_answer(struct sbuf *out, size_t most)
{
	ssize_t n = frame(out->p + out->len, most);

	if (n <= 0)
		return -1;
	out->len += (size_t)n - 1;
	return 0;
}

static int exchange(struct sbuf *out, const char *p, size_t n, int end)
{
	static char ask[sizeof(struct convert_ask) + CONVERT_PIECE];
	struct convert_ask head = {converter.text, (uint16_t)converter.which,
				   (uint16_t)end};

	if (sbuf_reserve(out, CONVERT_MOST(n)) == -1)
		return -1;
	memcpy(ask, &head, sizeof head);
	if (n > 0)
		memcpy(ask + sizeof head, p, n);
	if (send(converter.fd, ask, sizeof head + n, MSG_NOSIGNAL) == -1 ||
	    take_answer(out, CONVERT_MOST(n)) == -1)
		convert_stop();
	return 0;
}

int convert_add(uint32_t text, struct sbuf *out, const char *p, size_t n)
{
	while (n > 0 && converter.running && text == converter.text) {
		size_t piece = n < CONVERT_PIECE ? n : CONVERT_PIECE;

		if (exchange(out, p, piece, 0) == -1)
			return -1;
		p += piece;
		n -= piece;
	}
	return 0;
}

int convert_end(uint32_t text, struct sbuf *out)
{
	if (!converter.running || text != converter.text)
		return 0;
	return exchange(out, NULL, 0, 1);
}
