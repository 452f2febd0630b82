#include "append.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* May a message of n bytes come? 0, or -1: the client was told. */
static int judge(struct append *a, uint64_t n)
{
	struct quota q;

	if (n > session.appendlimit)
		append_refuse(a, "TOOBIG", "A message may not be that large.");
	else if (n == 0)
		append_refuse(a, "", "A message of no bytes: nothing is appended.");
	else if (a->c->in->literal.plus && n > IN_PLUS)
		append_refuse(a, "TOOBIG", "{N+} may have 4096 bytes (LITERAL-).");
	else if (a->n == PUT_MAX)
		append_refuse(a, "LIMIT", "So many messages cannot be appended at once.");
	else if (quota_read(&q, session.store.root) == 1 &&
		 !quota_allows(&q, a->bytes + n, a->n + 1))
		append_refuse(a, "OVERQUOTA", "The mailbox is full.");
	else
		return 0;
	return -1;
}

/* ---- one message ---- */

enum received {
	WHOLE,       /* and durable */
	HAS_NUL,     /* and must not */
	HAS_LF,      /* a literal8 with an LF that is no line's end */
	NOT_WRITTEN, /* errno says why; the bytes left are on their way */
	NOBODY       /* the session is over */
};

/* Lines end with LF on disk: a binary message whose LFs stand alone would not come back as it
 * was, and is refused (RFC 3516 4.4). */
static enum received receive(struct put *p, struct in *in, uint64_t *left)
{
	int64_t deadline = in_deadline(*left);
	uint64_t size = *left;
	int has_nul = 0;

	in_invite(in);
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
		if (put_write(p, bytes, n) == -1)
			return NOT_WRITTEN;
	}
	if (has_nul && !in->literal.binary)
		return HAS_NUL;
	if (has_nul && p->wire != size)
		return HAS_LF;
	return put_sync(p) == -1 ? NOT_WRITTEN : WHOLE;
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
	struct put *p;
	int e;

	if (judge(a, left) == -1)
		return -1;
	if ((p = begin(a, h)) == NULL) {
		append_refuse_errno(a, "write a message");
		return -1;
	}
	a->bytes += left;
	switch (receive(p, in, &left)) {
	case WHOLE:
		return 0;
	case NOBODY:
		break;
	case HAS_NUL:
		if (session_heard(in_refuse_rest(in, 0), in) == 0)
			bad(a->c, "A message with a NUL needs ~{N}.");
		break;
	case HAS_LF:
		if (session_heard(in_refuse_rest(in, 0), in) == 0)
			no(a->c, "UNKNOWN-CTE", "Binary with a bare LF is not kept.");
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
