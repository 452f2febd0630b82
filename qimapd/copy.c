/* COPY, MOVE (RFC 6851), EXPUNGE and UID EXPUNGE (RFC 4315). */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "expunge.h"
#include "io.h"
#include "maildir/quota.h"
#include "messages.h"
#include "sbuf.h"
#include "session.h"

enum { CODE = 64 * 1024 * 1024 };

/* "COPYUID validity from to" */
static int copyuid(struct sbuf *code, const uint32_t *at, const struct box_copied *to)
{
	struct set from = {0};
	struct set into = {0};
	int r = 0;

	for (size_t k = 0; r == 0 && k < to->done; k++) {
		const struct msg *m = box_at(&session.box, at[k]);

		r = m != NULL ? set_add(&from, m->uid, m->uid) : -1;
	}
	if (r == 0)
		r = set_add(&into, to->first, to->first + (uint32_t)(to->done - 1));
	if (r == 0 &&
	    (sbuf_catf(code, "COPYUID %lu ", (unsigned long)to->uidvalidity) == -1 ||
	     set_cat(code, &from) == -1 || sbuf_catc(code, ' ') == -1 ||
	     set_cat(code, &into) == -1))
		r = -1;
	set_free(&from);
	set_free(&into);
	return r;
}

/* MOVE takes nothing of the quota. */
static int has_room(const struct messages *ms, int move)
{
	struct quota q;

	if (move || quota_read(&q, session.store.root) != 1)
		return 1;
	return quota_room(&q, session.store.root, messages_weight(ms->at, ms->n), ms->n);
}

static void count_copied(const struct messages *ms, size_t n, int move)
{
	session.counts.copied += n;
	if (!move)
		quota_add(session.store.root, (int64_t)messages_weight(ms->at, n),
			  (int64_t)n);
}

/* The copies are there: nothing that goes wrong now may make it a NO. */
static void tell_copied(struct command *c, const struct messages *ms,
			const struct box_copied *done, int move)
{
	struct sbuf code = SBUF_INIT(CODE);

	if (done->done > 0 &&
	    (copyuid(&code, ms->at, done) == -1 || sbuf_str(&code) == NULL))
		sbuf_clear(&code);
	if (!move) {
		ok(c, code.len > 0 ? sbuf_str(&code) : "", "COPY is complete");
	} else {
		if (code.len > 0) { /* RFC 6851 4.3 */
			io_puts("* OK [");
			io_put(code.p, code.len);
			io_puts("] moved\r\n");
		}
		expunge_ok(c, "MOVE is complete");
	}
	sbuf_free(&code);
}

static void copy(struct command *c, struct messages *ms, int to, int move)
{
	struct box_copied done = {0};

	if (!has_room(ms, move)) {
		no(c, "OVERQUOTA", "the mailbox would be too full");
	} else if (ms->n > 0 &&
		   box_copy(&session.box, ms->at, ms->n, to, move, &done) == -1) {
		no_errno(c, "copy messages");
	} else if (ms->n > 0 && done.done == 0) { /* RFC 5530: others were first */
		no(c, "EXPUNGEISSUED", "those messages are gone");
	} else {
		count_copied(ms, done.done, move);
		tell_copied(c, ms, &done, move);
	}
}

static void copy_or_move(struct command *c, int move)
{
	struct messages ms;
	char name[FOLDER_NAME + 1];
	int to;

	if (messages_read(c, &ms) == -1 || take_space(&c->w) == -1 ||
	    take_mailbox(&c->w, name) == -1 || !words_end(&c->w)) {
		bad(c, "that needs a set and a mailbox");
	} else if (messages_find(c, &ms) == 0) {
		to = folder_open(&session.store, name);
		if (to != -1)
			copy(c, &ms, to, move);
		else if (errno == ENOENT)
			no(c, "TRYCREATE", "there is no such mailbox");
		else
			no_errno(c, "open a mailbox");
		if (to != -1)
			close(to);
	}
	messages_free(&ms);
}

static void cmd_copy(struct command *c)
{
	copy_or_move(c, 0);
}

static void cmd_move(struct command *c)
{
	copy_or_move(c, 1);
}

static void cmd_expunge(struct command *c)
{
	struct set uids = {0};
	int is_right = 1;

	if (c->uid)
		is_right = take_space(&c->w) == 0 &&
			   set_read(&uids, &c->w, messages_last(1)) == 0;
	if (!is_right || !words_end(&c->w))
		bad(c, c->uid ? "UID EXPUNGE needs a set" : "EXPUNGE stands alone");
	else if (expunge_deleted(c->uid ? &uids : NULL) == -1)
		no_errno(c, "expunge messages");
	else
		expunge_ok(c, "EXPUNGE is complete");
	set_free(&uids);
}

const struct verb verbs_copy[] = {
    {"COPY", ST_SELECTED, VERB_UID, cmd_copy},
    {"MOVE", ST_SELECTED, VERB_UID | VERB_WRITES, cmd_move},
    {"EXPUNGE", ST_SELECTED, VERB_UID_ONLY | VERB_WRITES, cmd_expunge},
    {NULL, 0, 0, NULL},
};
