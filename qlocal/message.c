#include "message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sum.h"

static char piece[65536];

static int corrupt(struct answer *a, const char *why)
{
	answer_set(a, CORRUPT, "the queue file is damaged: %s", why);
	return -1;
}

static int looping(struct answer *a)
{
	answer_set(a, NEVER,
		   "this message is looping: it already has my Delivered-To line "
		   "(#5.4.6)");
	return -1;
}

/* The piece at `at`: its size, 0 at the end of the message, -1 with a. */
static ssize_t read_piece(const struct message *m, uint64_t at, struct answer *a)
{
	uint64_t left = m->len - at;
	size_t want = left < sizeof piece ? (size_t)left : sizeof piece;
	ssize_t r;

	if (want == 0)
		return 0;
	do
		r = pread(m->fd, piece, want, (off_t)(m->offset + at));
	while (r == -1 && errno == EINTR);
	if (r == 0)
		return corrupt(a, "it is too short");
	if (r == -1)
		answer_errno(a, "read", "the message");
	return r;
}

static int nowhere(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return 0;
}

int message_check_loop(const struct message *m, const char *to, struct answer *a)
{
	struct head h;
	uint64_t at = 0;
	ssize_t r;

	head_init(&h, to);
	while (!h.in_body && !h.loops && (r = read_piece(m, at, a)) != 0) {
		if (r == -1)
			return -1;
		(void)head_take(&h, piece, (size_t)r, nowhere, NULL);
		at += (uint64_t)r;
	}
	(void)head_end(&h, nowhere, NULL);
	return h.loops ? looping(a) : 0;
}

static int copy_pieces(const struct message *m, struct head *h, struct sum *s,
		       message_sink *sink, void *arg, struct answer *a)
{
	uint64_t at = 0;
	ssize_t r;

	while ((r = read_piece(m, at, a)) > 0) {
		sum_add(s, piece, (size_t)r);
		if (head_take(h, piece, (size_t)r, sink, arg) == -1) {
			answer_errno(a, "write", "the message");
			return -1;
		}
		if (h->loops)
			return looping(a);
		at += (uint64_t)r;
	}
	if (r == 0 && head_end(h, sink, arg) == -1) {
		answer_errno(a, "write", "the message");
		return -1;
	}
	return (int)r;
}

int message_copy(const struct message *m, const char *to, message_sink *sink, void *arg,
		 struct answer *a)
{
	uint8_t sum[SUM_LEN];
	struct head h;
	struct sum s;

	head_init(&h, to);
	sum_init(&s);
	if (copy_pieces(m, &h, &s, sink, arg, a) == -1)
		return -1;
	sum_end(&s, sum);
	if (memcmp(sum, m->sum, SUM_LEN) != 0)
		return corrupt(a, "the checksum does not match");
	if (h.loops)
		return looping(a);
	return 0;
}
