/* APPEND (RFC 9051 6.3.12), of several messages (RFC 3502), with literal8 (RFC 3516) and
 * UTF8 (RFC 6855 4): all of them or none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "append.h"
#include "clock.h"
#include "maildir/quota.h"

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

static int take_head(struct words *w, struct append *a, struct append_head *h)
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

	if (put_arrive(a->dir, a->put, a->n, &done, &session.kept) == -1) {
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
	append_refuse_bad(a, "Something is wrong behind the message.");
	return -1;
}

static void messages(struct append *a)
{
	struct append_head h;
	int more = 1;

	while (more == 1) {
		if (take_head(&a->c->w, a, &h) == -1) {
			append_refuse_bad(a, "APPEND wants flags, a date and a message.");
			return;
		}
		if (append_message(a, &h) == -1)
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
		append_refuse_bad(&a, "APPEND wants a mailbox.");
		return;
	}
	a.dir = folder_open(&session.store, a.name);
	if (a.dir == -1 && errno == ENOENT) {
		append_refuse(&a, "TRYCREATE", "There is no such mailbox.");
		return;
	}
	if (a.dir == -1) {
		append_refuse_errno(&a, "open a mailbox");
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
