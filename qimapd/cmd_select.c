/* SELECT, EXAMINE, CLOSE, UNSELECT, CHECK (RFC 9051 6.3.2, 6.4.1; RFC 7162 3.1.8, 3.2.5). */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "expunge.h"
#include "io.h"
#include "list.h"
#include "qresync.h"
#include "session.h"
#include "update.h"

struct params {
	int condstore, qresync;
	struct qresync q;
};

static int take_param(struct words *w, struct params *p)
{
	if (take_word(w, "CONDSTORE") == 0) {
		p->condstore = 1;
		return 0;
	}
	if (take_word(w, "QRESYNC") == -1 || p->qresync || take_space(w) == -1)
		return -1;
	p->qresync = 1;
	return qresync_take(w, &p->q);
}

static int take_params(struct words *w, struct params *p)
{
	int first = 1;

	if (words_end(w))
		return 0;
	if (take_space(w) == -1 || take_char(w, '(') == -1)
		return -1;
	for (; words_peek(w) != ')'; first = 0)
		if ((!first && take_space(w) == -1) || take_param(w, p) == -1)
			return -1;
	return take_char(w, ')') == 0 && words_end(w) && !first ? 0 : -1;
}

static int open_box(const char *name, int readonly)
{
	int dir = folder_open(&session.store, name);
	int e;

	if (dir == -1)
		return -1;
	if (box_open(&session.box, dir, readonly ? 0 : BOX_CLAIM) == 0)
		return 0;
	e = errno;
	(void)close(dir);
	errno = e;
	return -1;
}

static void put_code(const char *code, uint64_t n)
{
	io_puts("* OK [");
	io_puts(code);
	io_putc(' ');
	io_number(n);
	io_puts("] told\r\n");
}

static void tell_mailbox(void)
{
	struct box *b = &session.box;
	struct box_counts counts;

	update_permanent_flags();
	update_counts();
	if (!(session.on & ON_REV2) && box_counts(b, &counts, 0) == 0 &&
	    counts.first_unseen < b->count)
		put_code("UNSEEN", counts.first_unseen + 1);
	put_code("UIDVALIDITY", b->uidvalidity);
	put_code("UIDNEXT", b->uidnext);
	put_code("HIGHESTMODSEQ", b->highestmodseq);
	if (session.on & ON_REV2)
		list_tell(&session.store, session.folder, NULL);
}

static void select_it(struct command *c, const char *name, struct params *p)
{
	int readonly = strcmp(c->verb->name, "EXAMINE") == 0;

	if (session.state == ST_SELECTED) {
		session_leave();
		io_puts("* OK [CLOSED] The mailbox before is closed.\r\n");
	}
	if (open_box(name, readonly) == -1) {
		no_errno(c, "open a mailbox");
		return;
	}
	if (p->condstore)
		session.on |= ON_CONDSTORE;
	session.state = ST_SELECTED;
	session.readonly = readonly;
	session.cache = cache_open(&session.box);
	memcpy(session.folder, name, strlen(name) + 1);
	tell_mailbox();
	if (p->qresync)
		qresync_tell(&p->q);
	ok(c, readonly ? "READ-ONLY" : "READ-WRITE", "It is open.");
}

static void cmd_select(struct command *c)
{
	char name[FOLDER_NAME + 1];
	struct params p = {0};

	if (take_space(&c->w) == -1 || take_mailbox(&c->w, name) == -1 ||
	    take_params(&c->w, &p) == -1)
		bad(c, "%s wants a mailbox and its parameters.", c->verb->name);
	else if (p.qresync && !(session.on & ON_QRESYNC))
		bad(c, "ENABLE QRESYNC comes first.");
	else
		select_it(c, name, &p);
	qresync_free(&p.q);
}

static void cmd_close(struct command *c)
{
	if (has_words(c))
		return;
	if (!session.readonly && expunge_deleted(NULL) == -1) {
		no_errno(c, "expunge");
		return;
	}
	session_leave();
	ok(c, "", "It is closed.");
}

static void cmd_unselect(struct command *c)
{
	if (has_words(c))
		return;
	session_leave();
	ok(c, "", "It is closed.");
}

/* What is changed is durable when it is answered: nothing is left to do. */
static void cmd_check(struct command *c)
{
	if (!has_words(c))
		ok(c, "", "All is on the disk.");
}

const struct verb verbs_select[] = {
    {"SELECT", ST_AUTH | ST_SELECTED, VERB_NO_UPDATE, cmd_select},
    {"EXAMINE", ST_AUTH | ST_SELECTED, VERB_NO_UPDATE, cmd_select},
    {"CLOSE", ST_SELECTED, VERB_NO_UPDATE, cmd_close},
    {"UNSELECT", ST_SELECTED, VERB_NO_UPDATE, cmd_unselect},
    {"CHECK", ST_SELECTED, 0, cmd_check},
    {0}};
