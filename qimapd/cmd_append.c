/* APPEND (RFC 9051 6.3.12), of several messages (RFC 3502), with literal8 (RFC 3516) and
 * UTF8 (RFC 6855 4): all of them or none.
 *
 * A message that is too large, or that finds no room, is refused before it is invited.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "io.h"
#include "maildir/put.h"
#include "maildir/quota.h"
#include "session.h"

struct append {
	struct command *c;
	char name[FOLDER_NAME + 1];
	int dir;
	struct put *put[PUT_MAX];
	size_t n;
	uint64_t bytes; /* of all, as they come */
	int is_utf8;    /* the message at hand stands in UTF8 (…) */
};

/* What is in front of a message. */
struct head {
	unsigned flags;
	const char **keywords;
	int64_t date;
};

/* "{N}CRLF" is all that is left: in.c has read it. */
static int is_at_literal(const struct words *w)
{
	size_t at = w->at;

	if (words_peek(w) == '~')
		at++;
	return at < w->n && w->p[at] == '{' &&
	       memchr(w->p + at, '}', w->n - at) == w->p + w->n - 3;
}

static int take_utf8(struct words *w, struct append *a)
{
	a->is_utf8 = 0;
	if (take_word(w, "UTF8") == -1)
		return 0;
	a->is_utf8 = 1;
	return (session.on & ON_UTF8) && take_space(w) == 0 && take_char(w, '(') == 0 &&
		       words_peek(w) == '~'
		   ? 0
		   : -1;
}

static int take_head(struct words *w, struct append *a, struct head *h)
{
	h->flags = 0;
	h->date = (int64_t)(clock_wall_ns() / 1000000000);
	h->keywords = take_keep((BOX_KEYWORDS + 1) * sizeof *h->keywords);
	if (h->keywords == NULL || take_space(w) == -1)
		return -1;
	h->keywords[0] = NULL;
	if (words_peek(w) == '(' &&
	    (take_flags(w, &h->flags, h->keywords) == -1 || take_space(w) == -1))
		return -1;
	if (words_peek(w) == '"' &&
	    (take_datetime(w, &h->date) == -1 || take_space(w) == -1))
		return -1;
	return take_utf8(w, a) == 0 && is_at_literal(w) ? 0 : -1;
}

/* ---- refusals ----
 * What is left of the command is read past first; if that ends the session there is no answer. */

static int read_past(struct append *a)
{
	struct in *in = a->c->in;

	return session_heard(in_refuse(in), in);
}

static void refuse(struct append *a, const char *code, const char *why)
{
	if (read_past(a) == 0)
		no(a->c, code, "%s", why);
}

static void refuse_errno(struct append *a, const char *what)
{
	int e = errno;

	if (read_past(a) == -1)
		return;
	errno = e;
	no_errno(a->c, what);
}

static void refuse_bad(struct append *a, const char *why)
{
	if (read_past(a) == 0)
		bad(a->c, "%s", why);
}

/* May a message of n bytes come? 0, or -1: the client was told. */
static int judge(struct append *a, uint64_t n)
{
	struct quota q;

	if (n > session.appendlimit)
		refuse(a, "TOOBIG", "A message may not be that large.");
	else if (n == 0)
		refuse(a, "", "A message of no bytes: nothing is appended.");
	else if (a->c->in->literal.plus && n > IN_PLUS)
		refuse(a, "TOOBIG", "{N+} may have 4096 bytes (LITERAL-).");
	else if (a->n == PUT_MAX)
		refuse(a, "LIMIT", "So many messages cannot be appended at once.");
	else if (quota_read(&q, session.store.root) == 1 &&
		 !quota_allows(&q, a->bytes + n, a->n + 1))
		refuse(a, "OVERQUOTA", "The mailbox is full.");
	else
		return 0;
	return -1;
}

/* ---- one message ---- */

/* 1, 0: it has a NUL and must not; -1 with errno: the disk's fault, left bytes are on their way;
 * -2: the session is over. */
static int receive(struct put *p, struct in *in, uint64_t *left)
{
	int64_t deadline = in_deadline(*left);
	int has_nul = 0;

	in_invite(in);
	while (*left > 0) {
		const char *bytes;
		size_t n;
		int r =
		    io_some(*left < IO_IN ? (size_t)*left : IO_IN, &bytes, &n, deadline);

		if (r <= 0) {
			(void)session_heard(r == 0 ? IN_END : IN_LATE, in);
			return -2;
		}
		*left -= n;
		has_nul |= memchr(bytes, '\0', n) != NULL;
		if (put_write(p, bytes, n) == -1)
			return -1;
	}
	if (has_nul && !in->literal.binary)
		return 0;
	return put_sync(p) == -1 ? -1 : 1;
}

static struct put *begin(struct append *a, const struct head *h)
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

/* 0, or -1: the client has its answer. */
static int take_message(struct append *a, const struct head *h)
{
	struct in *in = a->c->in;
	uint64_t left = in->literal.n;
	struct put *p;
	int e;

	if (judge(a, left) == -1)
		return -1;
	if ((p = begin(a, h)) == NULL) {
		refuse_errno(a, "write a message");
		return -1;
	}
	a->bytes += left;
	switch (receive(p, in, &left)) {
	case 1:
		return 0;
	case -2:
		return -1;
	case 0:
		if (session_heard(in_refuse_rest(in, 0), in) == 0)
			bad(a->c, "A message with a NUL needs ~{N}.");
		return -1;
	}
	e = errno;
	if (session_heard(in_refuse_rest(in, left), in) == 0) {
		errno = e;
		no_errno(a->c, "write a message");
	}
	return -1;
}

/* ---- all ---- */

static int64_t on_disk(const struct append *a)
{
	int64_t bytes = 0;

	for (size_t i = 0; i < a->n; i++)
		bytes += (int64_t)a->put[i]->w.bytes;
	return bytes;
}

static void finish(struct append *a)
{
	struct box_copied done;
	char code[64];

	if (put_arrive(a->dir, a->put, a->n, &done) == -1) {
		no_errno(a->c, "append to a mailbox");
		return;
	}
	session.counts.appended += a->n;
	quota_add(session.store.root, on_disk(a), (int64_t)a->n);
	if (a->n == 1)
		(void)snprintf(code, sizeof code, "APPENDUID %u %u",
			       (unsigned)done.uidvalidity, (unsigned)done.first);
	else
		(void)snprintf(code, sizeof code, "APPENDUID %u %u:%u",
			       (unsigned)done.uidvalidity, (unsigned)done.first,
			       (unsigned)(done.first + a->n - 1));
	ok(a->c, code, "It is there.");
}

/* What stands behind a message: 1 another one, 0 nothing, -1: the client has its answer. */
static int behind(struct append *a)
{
	struct in *in = a->c->in;
	enum in_what r = in_more(in);
	struct words *w = &a->c->w;

	if (session_heard(r, in) == -1)
		return -1;
	if (r == IN_WRONG) {
		bad(a->c, "%s", in->why);
		return -1;
	}
	w->p = in->p;
	w->n = in->n;
	w->at = 0;
	if (!a->is_utf8 || take_char(w, ')') == 0) {
		if (r == IN_MESSAGE)
			return 1;
		if (words_end(w))
			return 0;
	}
	refuse_bad(a, "Something is wrong behind the message.");
	return -1;
}

static void messages(struct append *a)
{
	struct head h;
	int more = 1;

	while (more == 1) {
		if (take_head(&a->c->w, a, &h) == -1) {
			refuse_bad(a, "APPEND wants flags, a date and a message.");
			return;
		}
		if (take_message(a, &h) == -1)
			return;
		more = behind(a);
	}
	if (more == 0)
		finish(a);
}

static void cmd_append(struct command *c)
{
	struct append a = {.c = c, .dir = -1};

	if (!c->in->is_append) {
		bad(c, "APPEND wants a mailbox and a message.");
		return;
	}
	if (take_space(&c->w) == -1 || take_mailbox(&c->w, a.name) == -1) {
		refuse_bad(&a, "APPEND wants a mailbox.");
		return;
	}
	a.dir = folder_open(&session.store, a.name);
	if (a.dir == -1 && (errno == ENOENT || errno == EINVAL)) {
		refuse(&a, "TRYCREATE", "There is no such mailbox.");
		return;
	}
	if (a.dir == -1) {
		refuse_errno(&a, "open a mailbox");
		return;
	}
	messages(&a);
	for (size_t i = 0; i < a.n; i++) {
		put_end(a.put[i]);
		free(a.put[i]);
	}
	(void)close(a.dir);
}

const struct verb verbs_append[] = {{"APPEND", ST_AUTH | ST_SELECTED, 0, cmd_append},
				    {0}};
