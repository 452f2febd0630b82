#include "fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "messages.h"
#include "out.h"
#include "parsed.h"
#include "prog.h"
#include "vanished.h"

/* 1: all is there; 0: the message is gone; -1 with errno. f->m is good behind it. */
static int fetch_need(struct fetch *f)
{
	struct box *b = &session.box;
	unsigned needs = f->needs;
	int r = 1;

	if (needs & NEED_DIGEST)
		r = parsed_digest(f->i, &f->digest, &f->ndigest);
	if (r == 1 && needs & NEED_SIZE && box_at(b, f->i)->size == 0 &&
	    box_size(b, f->i) == -1)
		r = -1;
	if (r == 1 && needs & NEED_DATE && box_at(b, f->i)->date == INT64_MIN &&
	    box_date(b, f->i) == -1)
		r = -1;
	if (r == 1 && needs & NEED_FILE && source_open(&f->source, f->i) == -1)
		r = -1;
	if (r == 1 && needs & NEED_PARTS &&
	    parsed_parts(f->i, &f->source, &f->part, &f->nparts) == -1)
		r = -1;
	if (r == -1 && errno == ENOENT)
		r = 0;
	f->m = box_at(b, f->i);
	return f->m != NULL ? r : -1;
}

/* Flags that the client does not know yet, since reading has set one, or it asks for them anyhow. */
static void tell_changes(struct fetch *f)
{
	static const struct fetch_item flags = {.label = " FLAGS ", .nlabel = 7};
	static const struct fetch_item modseq = {.label = " MODSEQ ", .nlabel = 8};
	static const struct fetch_item uid = {.label = " UID ", .nlabel = 5};

	if (!(f->m->state & MSG_CHANGED) || !(f->has_flags || f->needs & NEED_SEEN))
		return;
	if (!f->has_flags)
		put_flags(f, &flags);
	if (!f->has_modseq && session.on & ON_CONDSTORE)
		put_modseq(f, &modseq);
	if (!f->has_uid && session.on & ON_CONDSTORE) /* RFC 7162 3.2.4 */
		put_uid(f, &uid);
	box_told(box_at(&session.box, f->i));
}

static void begin_line(size_t i)
{
	static const char head[] = " FETCH (";
	char *p = io_room(32);
	size_t n;

	p[0] = '*';
	p[1] = ' ';
	n = 2 + out_u32(p + 2, (uint32_t)i + 1);
	memcpy(p + n, head, sizeof head);
	io_wrote(n + sizeof head - 1);
}

/* CHANGEDSINCE */
static int is_asked(const struct fetch *f, const struct msg *m)
{
	return f->changedsince == 0 || m->modseq > f->changedsince;
}

static int fetch_one(struct fetch *f, size_t i)
{
	int r;

	f->i = i;
	f->m = box_at(&session.box, i);
	if (f->m == NULL)
		return -1;
	if (!is_asked(f, f->m))
		return 0;
	r = fetch_need(f);
	if (r == 1) {
		begin_line(i);
		for (size_t k = 0; k < f->n; k++) {
			if (k > 0)
				io_putc(' ');
			f->item[k].put(f, &f->item[k]);
		}
		tell_changes(f);
		io_put(")\r\n", 3);
		session.counts.fetched++;
	}
	source_close(&f->source);
	return r == -1 ? -1 : 0;
}

/* Messages that are read and were not: \Seen in one change, before they are sent. When that
 * cannot be, they can be read all the same. */
static void set_seen(const struct fetch *f, const struct messages *ms)
{
	struct box *b = &session.box;
	struct box_store change = {
	    .how = BOX_ADD, .flags = MSG_SEEN, .unchangedsince = UINT64_MAX};
	uint32_t *at = malloc((ms->n + 1) * sizeof *at);
	size_t n = 0;

	for (size_t k = 0; at != NULL && k < ms->n; k++) {
		const struct msg *m = box_at(b, ms->at[k]);

		if (m != NULL && !(m->flags & MSG_SEEN) && !(m->state & MSG_GONE) &&
		    is_asked(f, m))
			at[n++] = ms->at[k];
	}
	if (n > 0 && box_store(b, at, n, &change) == -1)
		warn_sys("mark messages as read");
	free(at);
}

static void fetch_done(struct fetch *f)
{
	source_done(&f->source);
	parsed_done();
	fetch_bodies_done();
}

/* RFC 7162: VANISHED needs UID FETCH, QRESYNC and CHANGEDSINCE. */
static int is_allowed(const struct fetch *f, const struct command *c)
{
	return !f->vanished || (c->uid && session.on & ON_QRESYNC);
}

static void fetch_all(struct command *c, struct fetch *f, const struct messages *ms)
{
	int error = 0;

	if (f->vanished && vanished_tell(&ms->set, f->changedsince) == -1)
		error = errno;
	if (f->needs & NEED_SEEN && !session.readonly)
		set_seen(f, ms);
	fetch_forget_flags();
	for (size_t k = 0; k < ms->n; k++)
		if (fetch_one(f, ms->at[k]) == -1)
			error = errno;
	fetch_done(f);
	if (f->unknown_cte) {
		no(c, "UNKNOWN-CTE", "of some the encoding is not known, or broken");
	} else if (error != 0) {
		errno = error;
		warn_sys("read all messages");
		no(c, "UNAVAILABLE", "some messages cannot be read");
	} else {
		ok(c, messages_issued(ms), "FETCH is complete");
	}
}

static void cmd_fetch(struct command *c)
{
	struct messages ms;
	struct fetch fetch;

	if (messages_read(c, &ms) == -1 || take_space(&c->w) == -1 ||
	    fetch_read(&fetch, &c->w, c->uid) == -1 || !is_allowed(&fetch, c)) {
		bad(c, "FETCH needs a set and what is wanted");
	} else if (messages_find(c, &ms) == 0) {
		if (fetch.has_modseq)
			condstore_on();
		fetch_all(c, &fetch, &ms);
	}
	messages_free(&ms);
}

void fetch_new(const char *items, size_t n, size_t from)
{
	struct words w = {items, n, 0, 1};
	struct fetch fetch;

	if (from >= session.box.count || fetch_read(&fetch, &w, 1) == -1)
		return;
	for (size_t i = from; i < session.box.count; i++)
		if (fetch_one(&fetch, i) == -1)
			warn_sys2("read a message of", session.folder);
	fetch_done(&fetch);
}

const struct verb verbs_fetch[] = {
    {"FETCH", ST_SELECTED, VERB_UID | VERB_SILENT_SEQ, cmd_fetch},
    {NULL, 0, 0, NULL},
};
