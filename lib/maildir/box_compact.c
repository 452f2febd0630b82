/* quoin-uids without what no longer counts: a new file, which says of which one it was
 * made, so that sessions that have that one open go on. Under the lock, with a list that
 * knows every record. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "maildir/box_int.h"

enum { SPARE = 65536, OVERHEAD = 40, RUN = 8 }; /* a message beside its name */

struct compacting {
	struct box *b;
	struct box_file f;
	struct sbuf record;
	struct box_uidls *uidls;
	char what;
	size_t mark;
	uint32_t n;
	uint64_t modseq; /* of the item at work */
	uint64_t floor;
	struct box_run *runs;
	size_t nruns;
};

static void end_item(struct compacting *c)
{
	if (c->what != 0)
		boxitem_end(&c->record, c->mark, c->n);
	c->what = 0;
}

static int put(struct compacting *c, char what, uint64_t modseq,
	       const struct box_entry *e)
{
	if (c->record.len > RECORD_MAX / 2) {
		end_item(c);
		if (boxfile_record(&c->f, &c->record) == -1)
			return -1;
	}
	if (c->what != what || c->modseq != modseq) {
		end_item(c);
		if (boxitem_begin(&c->record, what, modseq, 0, &c->mark) == -1)
			return -1;
		c->what = what;
		c->modseq = modseq;
		c->n = 0;
	}
	c->n++;
	return boxitem_put(&c->record, what, e);
}

/* The oldest runs above the limit are forgotten, all of a modseq together. */
static size_t cut_runs(struct compacting *c)
{
	size_t from = c->nruns > BOX_EXPUNGES ? c->nruns - BOX_EXPUNGES : 0;

	c->floor = box_state(c->b)->log.floor;
	while (from > 0 && from < c->nruns &&
	       c->runs[from].modseq == c->runs[from - 1].modseq)
		from++;
	if (from > 0)
		c->floor = c->runs[from - 1].modseq;
	return from;
}

static int put_start(struct compacting *c)
{
	const struct box_log *l = &box_state(c->b)->log;
	struct box_entry start = {.uid = l->uidvalidity,
				  .hi = l->uidnext,
				  .modseq = l->modseq,
				  .keywords = c->floor};
	struct box_entry lease = {
	    .keywords = l->lease, .text = (const char *)l->lease_boot, .len = BOOT_LEN};

	if (put(c, 'S', 0, &start) == -1 || put(c, 'L', 0, &lease) == -1)
		return -1;
	for (unsigned i = 0; i < BOX_KEYWORDS; i++) {
		struct box_entry e = {.uid = i, .text = l->words.name[i]};

		if (e.text == NULL)
			continue;
		e.len = strlen(e.text);
		if (put(c, 'W', 0, &e) == -1)
			return -1;
	}
	return 0;
}

static int put_messages(struct compacting *c)
{
	struct box_list *l = &box_state(c->b)->list;

	for (size_t i = 0; i < l->n; i++) {
		const struct msg *m = boxlist_at(l, i);
		struct box_entry e;

		if (m == NULL)
			return -1;
		if (m->state & MSG_GONE)
			continue;
		e = (struct box_entry){.uid = m->uid,
				       .flags = (uint8_t)m->flags,
				       .in_new = (m->state & MSG_NEW) != 0,
				       .modseq = m->modseq,
				       .saved = m->saved,
				       .keywords = m->keywords,
				       .text = m->name,
				       .len = strcspn(m->name, ":")};
		if (put(c, 'M', 0, &e) == -1)
			return -1;
	}
	return 0;
}

static int put_uidls(struct compacting *c)
{
	struct box_list *l = &box_state(c->b)->list;

	for (size_t i = 0; c->uidls != NULL && i < l->n; i++) {
		const struct msg *m = boxlist_at(l, i);
		struct box_entry e = {0};

		if (m == NULL)
			return -1;
		e.uid = m->uid;
		e.text = m->state & MSG_GONE ? NULL : boxuidl_find(c->uidls, m->uid);
		if (e.text == NULL)
			continue;
		e.len = strlen(e.text);
		if (put(c, 'U', 0, &e) == -1)
			return -1;
	}
	return 0;
}

static int put_runs(struct compacting *c, size_t from)
{
	for (size_t i = from; i < c->nruns; i++) {
		struct box_entry e = {.uid = c->runs[i].lo, .hi = c->runs[i].hi};

		if (put(c, 'X', c->runs[i].modseq, &e) == -1)
			return -1;
	}
	return 0;
}

static int put_all(struct compacting *c)
{
	size_t from = cut_runs(c);

	if (boxlog_begin(&c->record) == -1 || put_start(c) == -1 ||
	    put_messages(c) == -1 || put_uidls(c) == -1 || put_runs(c, from) == -1)
		return -1;
	end_item(c);
	return boxfile_record(&c->f, &c->record);
}

static int write_file(struct compacting *c)
{
	struct box_log *l = &box_state(c->b)->log;

	if (boxfile_begin(&c->f, c->b->dir) == -1)
		return -1;
	if (put_all(c) == -1) {
		boxfile_abort(&c->f);
		return -1;
	}
	if (boxfile_commit(&c->f, l) == -1)
		return -1;
	l->floor = c->floor;
	return 0;
}

static int compact(struct box *b)
{
	struct compacting c = {.b = b,
			       .record = SBUF_INIT(RECORD_MAX + RECORD_HEAD + SUM_LEN)};
	struct box_state *s = box_state(b);
	int r = -1;

	if (boxruns_all(s, &c.runs, &c.nruns) == 0 &&
	    (!s->log.has_uidl || boxuidl_read(b->dir, &c.uidls) == 0))
		r = write_file(&c);
	sbuf_free(&c.record);
	boxuidl_free(c.uidls);
	free(c.runs);
	return r;
}

/* How long would it be, with names as they usually are? */
static uint64_t live(struct box *b)
{
	const struct box_state *s = box_state(b);

	return s->list.n * (uint64_t)(OVERHEAD + 48) +
	       (s->nruns + s->index_runs) * (uint64_t)RUN;
}

int boxcompact_pays(struct box *b)
{
	const struct box_state *s = box_state(b);

	return (s->log.off > 2 * live(b) + SPARE && s->log.off > 2 * s->log.base) ||
	       s->nruns + s->index_runs > BOX_EXPUNGES + BOX_EXPUNGES / 2;
}

/* The lock is held. 0: done, or not needed. */
int boxcompact(struct box *b)
{
	struct box_state *s = box_state(b);
	struct stat st;

	if (!boxcompact_pays(b) || s->broken || s->log.held == 0)
		return 0;
	if (fstat(s->log.fd, &st) == -1)
		return -1;
	/* Only what is all known, in the file that still is the folder's. */
	if ((uint64_t)st.st_size != s->log.off || st.st_nlink == 0)
		return 0;
	return compact(b);
}
