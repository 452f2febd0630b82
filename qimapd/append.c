#include "append.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "append_binary.h"
#include "io.h"
#include "maildir/quota.h"

/* ---- refusals ----
 * What is left of the command is read past first; if that ends the session there is no answer. */

static int read_past(struct append *a)
{
	struct in *in = a->c->in;

	return session_heard(in_refuse(in), in);
}

void append_refuse(struct append *a, const char *code, const char *why)
{
	if (read_past(a) == 0)
		no(a->c, code, "%s", why);
}

void append_refuse_errno(struct append *a, const char *what)
{
	int e = errno;

	if (read_past(a) == -1)
		return;
	errno = e;
	no_errno(a->c, what);
}

void append_refuse_bad(struct append *a, const char *why)
{
	if (read_past(a) == 0)
		bad(a->c, "%s", why);
}

/* All messages, with n bytes more than are known of. */
static int has_room(const struct append *a, uint64_t n, size_t messages)
{
	struct quota q;

	return quota_read(&q, session.store.root) != 1 ||
	       quota_room(&q, session.store.root, a->bytes + n, messages);
}

/* May a message of n bytes come? 0, or -1: the client was told. */
static int judge(struct append *a, uint64_t n)
{
	if (n > session.appendlimit)
		append_refuse(a, "TOOBIG", "A message may not be that large.");
	else if (n == 0)
		append_refuse(a, "", "A message of no bytes: nothing is appended.");
	else if (a->c->in->literal.plus && n > IN_PLUS)
		append_refuse(a, "TOOBIG", "{N+} may have 4096 bytes (LITERAL-).");
	else if (a->n == PUT_MAX)
		append_refuse(a, "LIMIT", "So many messages cannot be appended at once.");
	else if (!has_room(a, n, a->n + 1))
		append_refuse(a, "OVERQUOTA", "The mailbox is full.");
	else
		return 0;
	return -1;
}

/* ---- one message ---- */

enum received {
	WHOLE,       /* and durable */
	HAS_NUL,     /* and must not */
	NO_ENCODING, /* a NUL that cannot be kept, where it stands */
	NO_ROOM,     /* in base64 */
	NOT_WRITTEN, /* errno says why; the bytes left are on their way */
	NOBODY       /* the session is over */
};

/* as_is: into the file as they come. */
static enum received receive(struct put *p, struct in *in, uint64_t *left, int as_is)
{
	int64_t deadline = in_deadline(*left);
	int has_nul = 0;

	while (*left > 0) {
		const char *bytes;
		size_t n;
		int r =
		    io_some(*left < IO_IN ? (size_t)*left : IO_IN, &bytes, &n, deadline);

		if (r <= 0) {
			(void)session_heard(r == 0 ? IN_END : IN_LATE, in);
			return NOBODY;
		}
		*left -= n;
		has_nul |= memchr(bytes, '\0', n) != NULL;
		if ((as_is ? wbuf_put(&p->w, bytes, n) : put_write(p, bytes, n)) == -1)
			return NOT_WRITTEN;
	}
	return has_nul && !as_is ? HAS_NUL : WHOLE;
}

/* By way of a file of its own (append_binary.h). */
static enum received receive_binary(struct put *p, struct in *in, uint64_t *left)
{
	struct put *raw = malloc(sizeof *raw);
	enum received r;

	if (raw == NULL || put_begin(raw, p->dir, p->date) == -1) {
		free(raw);
		return NOT_WRITTEN;
	}
	r = receive(raw, in, left, 1);
	if (r == WHOLE)
		switch (append_binary(p, raw)) {
		case 0:
			break;
		case 1:
			r = NO_ENCODING;
			break;
		default:
			r = NOT_WRITTEN;
		}
	put_end(raw);
	free(raw);
	return r;
}

/* Text of UTF8 (…) is a literal8 too, and seldom anything else. */
static enum received take_message(struct append *a, struct put *p, uint64_t *left)
{
	struct in *in = a->c->in;
	enum received r;

	in_invite(in);
	r = in->literal.binary && !a->is_utf8 ? receive_binary(p, in, left)
					      : receive(p, in, left, 0);
	if (r == HAS_NUL && in->literal.binary)
		return NO_ENCODING;
	return r == WHOLE && put_sync(p) == -1 ? NOT_WRITTEN : r;
}

/* By how much base64 has made a message of n bytes longer. */
static enum received count_more(struct append *a, const struct put *p, uint64_t n)
{
	uint64_t more = p->w.bytes > n ? p->w.bytes - n : 0;

	if (more > 0 && !has_room(a, more, a->n))
		return NO_ROOM;
	a->bytes += more;
	return WHOLE;
}

static struct put *begin(struct append *a, const struct append_head *h)
{
	struct put *p = malloc(sizeof *p);

	if (p == NULL || put_begin(p, a->dir, h->date) == -1) {
		free(p);
		return NULL;
	}
	p->flags = h->flags;
	p->keywords = h->keywords;
	a->put[a->n++] = p;
	return p;
}

int append_message(struct append *a, const struct append_head *h)
{
	struct in *in = a->c->in;
	uint64_t left = in->literal.n;
	enum received r;
	struct put *p;
	int e;

	if (judge(a, left) == -1)
		return -1;
	if ((p = begin(a, h)) == NULL) {
		append_refuse_errno(a, "write a message");
		return -1;
	}
	a->bytes += left;
	r = take_message(a, p, &left);
	if (r == WHOLE)
		r = count_more(a, p, in->literal.n);
	switch (r) {
	case WHOLE:
		return 0;
	case NOBODY:
		break;
	case HAS_NUL:
		if (session_heard(in_refuse_rest(in, 0), in) == 0)
			bad(a->c, "A message with a NUL needs ~{N}.");
		break;
	case NO_ENCODING:
		if (session_heard(in_refuse_rest(in, 0), in) == 0)
			no(a->c, "UNKNOWN-CTE", "A NUL stands where none can be kept.");
		break;
	case NO_ROOM:
		if (session_heard(in_refuse_rest(in, 0), in) == 0)
			no(a->c, "OVERQUOTA", "The mailbox is full.");
		break;
	case NOT_WRITTEN:
		e = errno;
		if (session_heard(in_refuse_rest(in, left), in) == 0) {
			errno = e;
			no_errno(a->c, "write a message");
		}
	}
	return -1;
}
