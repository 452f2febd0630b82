#include "tlsgate.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cursor.h"
#include "escape.h"
#include "fdio.h"
#include "sbuf.h"
#include "usock.h"

enum { ANSWER_MAX = 2048 };

void tlsgate_close(struct tlsgate *g)
{
	int e = errno;

	if (g->fd != -1)
		(void)close(g->fd);
	g->fd = -1;
	errno = e;
}

static int fail(struct tlsgate *g)
{
	tlsgate_close(g);
	return -1;
}

static int bad(struct tlsgate *g)
{
	errno = EBADMSG;
	return fail(g);
}

/* Whoever closes with something unread makes ECONNRESET of what was said before; it is
 * there nevertheless, the second time. */
static ssize_t receive(struct tlsgate *g, char frame[ANSWER_MAX], int *got,
		       int64_t deadline)
{
	ssize_t r;

	if (fd_wait(g->fd, POLLIN, deadline) == -1)
		return -1;
	r = usock_recv(g->fd, frame, ANSWER_MAX, got);
	if (r == -1 && errno == ECONNRESET)
		r = usock_recv(g->fd, frame, ANSWER_MAX, got);
	if (r == 0)
		errno = ECONNRESET;
	return r == 0 ? -1 : r;
}

static int errno_of(char letter)
{
	switch (letter) {
	case 'B':
		return EBUSY;
	case 'T':
		return ETIMEDOUT;
	case 'L':
		return ECONNRESET;
	case 'V':
		return EACCES;
	default:
		return EPROTO;
	}
}

/* "-" letter text */
static int refused(struct tlsgate *g, const char *frame, size_t n)
{
	struct cursor c;
	const char *text;
	uint8_t letter;

	cur_init(&c, frame + 1, n - 1);
	if (cur_u8(&c, &letter) == -1 || strchr("BPTHLV", letter) == NULL ||
	    letter == '\0' || cur_str(&c, LIMIT_TEXT, &text) == -1 || cur_end(&c) == -1)
		return bad(g);
	g->letter = (char)letter;
	(void)escape_text(g->text, sizeof g->text, text, strlen(text));
	errno = errno_of(g->letter);
	return fail(g);
}

static int ready(struct tlsgate *g, int64_t deadline)
{
	char frame[ANSWER_MAX];
	ssize_t n = receive(g, frame, NULL, deadline);

	if (n == -1)
		return fail(g);
	if (n == 1 && frame[0] == 'R')
		return 0;
	return frame[0] == '-' ? refused(g, frame, (size_t)n) : bad(g);
}

static int send_request(struct tlsgate *g, const struct tls_want *w, int tcp)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);
	int r = tlsgate_put(&b, w);

	if (r == 0)
		r = usock_send(g->fd, b.p, b.len, tcp);
	/* Refused before it was asked: the answer is there. */
	if (r == -1 && (errno == EPIPE || errno == ECONNRESET))
		r = 0;
	sbuf_free(&b);
	return r;
}

int tlsgate_open(struct tlsgate *g, const char *service, const struct tls_want *w,
		 int tcp, int64_t deadline)
{
	*g = (struct tlsgate){.fd = usock_connect(service, SOCK_SEQPACKET)};
	if (g->fd == -1 || send_request(g, w, tcp) == -1)
		return fail(g);
	return w->flags & TLS_GO ? 0 : ready(g, deadline);
}

int tlsgate_go(struct tlsgate *g)
{
	int r = usock_send(g->fd, "G", 1, -1);

	/* Why it ended is what tlsgate_result() reads. */
	return r == -1 && errno != EPIPE && errno != ECONNRESET ? fail(g) : 0;
}

int tlsgate_result(struct tlsgate *g, struct tls_facts *f, int64_t deadline)
{
	char frame[ANSWER_MAX];
	int plain;
	ssize_t n = receive(g, frame, &plain, deadline);

	if (n == -1)
		return fail(g);
	if (frame[0] == '-' && plain == -1)
		return refused(g, frame, (size_t)n);
	if (plain == -1)
		return bad(g);
	if (tlsgate_facts_get(f, frame, (size_t)n) == -1) {
		(void)close(plain);
		return bad(g);
	}
	tlsgate_close(g);
	return plain;
}
