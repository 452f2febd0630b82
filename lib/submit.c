#include "submit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "escape.h"
#include "fdio.h"
#include "paths.h"
#include "usock.h"

static const char version = '1';

enum { ANSWER_MAX = 1024, BUSY_PAUSE_MS = 20 };

static int fail(int e)
{
	errno = e;
	return -1;
}

static int read_answer(struct submit *s, char answer[ANSWER_MAX], size_t *len)
{
	if (netstr_read(&s->in, s->fd, answer, ANSWER_MAX, len, s->deadline) == -1)
		return errno == EMSGSIZE ? fail(EBADMSG) : -1;
	return *len > 0 ? 0 : fail(EBADMSG);
}

/* The id of the next submission, or EAGAIN and the reason in refusal. */
static int read_offer(struct submit *s, char refusal[LIMIT_TEXT + 1])
{
	char offer[ANSWER_MAX];
	size_t len;
	uint64_t ns;

	s->id[0] = '\0';
	if (read_answer(s, offer, &len) == -1)
		return -1;
	if (offer[0] == 'Z') {
		escape_text(refusal, LIMIT_TEXT + 1, offer + 1, len - 1);
		return fail(EAGAIN);
	}
	if (offer[0] != 'I' || len != 1 + QID_LEN || qid_parse(offer + 1, &ns) == -1)
		return fail(EBADMSG);
	memcpy(s->id, offer + 1, sizeof s->id);
	return 0;
}

int submit_open_fd(struct submit *s, int fd, int64_t deadline)
{
	char c;

	s->fd = fd;
	s->deadline = deadline;
	s->id[0] = s->text[0] = '\0';
	s->env_len = s->fill = 0;
	s->in.from = s->in.to = 0;
	if (netstr_byte(&s->in, fd, &c, deadline) == -1)
		return -1;
	if (c != version)
		return fail(EBADMSG);
	return read_offer(s, s->text);
}

/* connect() to a socket whose queue of connections is full would wait for ever. */
int submit_open(struct submit *s, int64_t deadline)
{
	s->fd = -1;
	s->text[0] = '\0';
	for (;;) {
		int fd = usock_connect("qqueue", SOCK_STREAM | SOCK_NONBLOCK);

		if (fd != -1)
			return submit_open_fd(s, fd, deadline);
		if (errno != EAGAIN)
			return -1;
		if (clock_left_ms(deadline) == 0)
			return fail(ETIMEDOUT);
		(void)poll(NULL, 0, BUSY_PAUSE_MS);
	}
}

void submit_deadline(struct submit *s, int64_t deadline)
{
	s->deadline = deadline;
}

/* Nothing comes unasked but the end, or the word that the offer is withdrawn. */
static int has_offer(const struct submit *s)
{
	struct pollfd p = {s->fd, POLLIN, 0};

	return s->id[0] != '\0' && poll(&p, 1, 0) == 0;
}

/* What follows a part that is missing must not look like the rest: it is over. */
static int put(struct submit *s, const struct netstr_part *part, size_t n,
	       const char *behind)
{
	int e;

	if (s->fd == -1)
		return fail(EPIPE);
	if (netstr_write(s->fd, part, n, behind, s->deadline) == 0)
		return 0;
	e = errno;
	submit_close(s);
	return fail(e);
}

/* The envelope, if it waits, and what is in buf. */
static int flush(struct submit *s, const char *behind)
{
	const struct netstr_part part[] = {{s->env, s->env_len}, {s->buf, s->fill}};
	size_t first = s->env_len == 0;
	size_t end = s->fill > 0 ? 2 : 1;

	s->env_len = s->fill = 0;
	return put(s, part + first, end - first, behind);
}

int submit_envelope(struct submit *s, const char *env, size_t n)
{
	const struct netstr_part part = {env, n};

	if (n > LIMIT_ENVELOPE)
		return fail(EMSGSIZE);
	if (!has_offer(s))
		return fail(EPIPE);
	s->env_len = s->fill = 0;
	if (n == 0 || n > sizeof s->env)
		return put(s, &part, 1, "");
	memcpy(s->env, env, n);
	s->env_len = n;
	return 0;
}

int submit_push(struct submit *s)
{
	return s->env_len > 0 || s->fill > 0 ? flush(s, "") : 0;
}

int submit_data(struct submit *s, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		size_t part = sizeof s->buf - s->fill;

		if (part > n)
			part = n;
		memcpy(s->buf + s->fill, at, part);
		s->fill += part;
		at += part;
		n -= part;
		if (s->fill == sizeof s->buf && flush(s, "") == -1)
			return -1;
	}
	return 0;
}

int submit_commit(struct submit *s, char *answer)
{
	char text[ANSWER_MAX];
	char refusal[LIMIT_TEXT + 1];
	size_t len;

	/* An empty netstring ends the message. */
	if (flush(s, "0:,") == -1 || read_answer(s, text, &len) == -1)
		return -1;
	/* It was withdrawn when the envelope was under way: that still counts. */
	if (text[0] == 'W' && read_answer(s, text, &len) == -1)
		return -1;
	if (text[0] != 'K' && text[0] != 'Z' && text[0] != 'D')
		return fail(EBADMSG);
	*answer = text[0];
	escape_text(s->text, sizeof s->text, text + 1, len - 1);
	/* The answer stands whatever becomes of the connection. */
	(void)read_offer(s, refusal);
	return 0;
}

void submit_close(struct submit *s)
{
	if (s->fd != -1)
		(void)close(s->fd);
	s->fd = -1;
}
