/* SEARCH (RFC 9051 6.4.4): its result options and its answers. */
#include <errno.h>
#include <string.h>

#include "io.h"
#include "out.h"
#include "search.h"
#include "search_want.h"
#include "vanished.h"

struct result {
	int by_uid, is_saved;
	struct set found; /* numbers or uids, as the command's */
	struct set uids;  /* to be saved */
	uint64_t count;
	uint64_t modseq; /* the highest */
	int is_single;
};

static int take_hit(void *arg, size_t i)
{
	struct result *r = arg;
	const struct msg *m = box_at(&session.box, i);
	uint32_t n;

	if (m == NULL)
		return -1;
	n = r->by_uid ? m->uid : (uint32_t)i + 1;
	r->count++;
	if (m->modseq > r->modseq)
		r->modseq = m->modseq;
	if (set_add(&r->found, n, n) == -1 ||
	    (r->is_saved && set_add(&r->uids, m->uid, m->uid) == -1))
		return -1;
	return r->is_single;
}

/* MIN and MAX alone need no more than one message from either end. */
static int run(struct search *s, const struct search_want *want, struct result *r)
{
	unsigned ends = want->bits & (WANT_MIN | WANT_MAX);
	int e = 0;

	r->is_saved = want->bits & WANT_SAVE;
	r->is_single = ends != 0 && !(want->bits & (WANT_ALL | WANT_COUNT));
	if (!r->is_single || ends & WANT_MIN)
		e = search_run(s, 0, take_hit, r);
	if (e == 0 && r->is_single && ends & WANT_MAX)
		e = search_run(s, 1, take_hit, r);
	set_sort(&r->found);
	set_sort(&r->uids);
	return e;
}

/* ---- answers ---- */

static void put_numbers(const struct set *s)
{
	for (size_t k = 0; k < s->n; k++)
		for (uint64_t n = s->r[k].lo; n <= s->r[k].hi; n++) {
			char *p = io_room(11);

			p[0] = ' ';
			io_wrote(1 + out_u32(p + 1, (uint32_t)n));
		}
}

static void put_search(const struct search *s, const struct result *r)
{
	io_puts("* SEARCH");
	put_numbers(&r->found);
	if (s->has_modseq && r->count > 0) {
		io_puts(" (MODSEQ ");
		io_number(r->modseq);
		io_putc(')');
	}
	io_puts("\r\n");
}

static void put_end(const char *name, uint32_t n)
{
	io_puts(name);
	io_number(n);
}

static void put_esearch(const struct command *c, const struct search *s,
			const struct search_want *want, const struct result *r)
{
	const struct set *f = &r->found;

	search_head(c);
	if (want->bits & WANT_MIN && f->n > 0)
		put_end(" MIN ", f->r[0].lo);
	if (want->bits & WANT_MAX && f->n > 0)
		put_end(" MAX ", f->r[f->n - 1].hi);
	if (want->bits & WANT_COUNT) {
		io_puts(" COUNT ");
		io_number(r->count);
	}
	if (want->bits & WANT_ALL && f->n > 0) {
		io_puts(" ALL ");
		set_put(f);
	}
	if (s->has_modseq && r->count > 0) {
		io_puts(" MODSEQ ");
		io_number(r->modseq);
	}
	io_puts("\r\n");
}

static void answer(struct command *c, const struct search *s,
		   const struct search_want *want, struct result *r)
{
	if (want->bits & WANT_SAVE) {
		struct set old = session.saved;

		session.saved = r->uids;
		r->uids = old;
	}
	if (want->bits & ~WANT_SAVE)
		put_esearch(c, s, want, r);
	else if (!want->has_return)
		put_search(s, r);
	ok(c, session.box.gone > 0 && !c->uid ? "EXPUNGEISSUED" : "",
	   "SEARCH is complete");
}

static int read_charset(struct words *w, struct text *charset)
{
	charset->p = NULL;
	if (take_word(w, "CHARSET") == -1)
		return 0;
	return take_space(w) == -1 || take_astring(w, charset) == -1 ? -1 : take_space(w);
}

static void search(struct command *c, struct search *s, const struct search_want *want)
{
	struct result r = {.by_uid = c->uid};

	if (s->has_modseq)
		condstore_on();
	if (run(s, want, &r) == -1) {
		if (want->bits & WANT_SAVE) /* RFC 9051 6.4.4.1 */
			set_clear(&session.saved);
		no_errno(c, "search");
	} else {
		answer(c, s, want, &r);
	}
	set_free(&r.found);
	set_free(&r.uids);
}

static void cmd_search(struct command *c)
{
	struct search_want want;
	struct search s = {0};
	struct text charset = {0};

	if (search_want_read(&want, &c->w) == -1 || read_charset(&c->w, &charset) == -1 ||
	    (charset.p != NULL && session.on & ON_UTF8)) /* RFC 6855 3 */
		bad(c, "SEARCH needs keys");
	else if (search_read(&s, &c->w, charset.p) == -1) {
		if (want.bits & WANT_SAVE && s.error != SEARCH_BAD)
			set_clear(&session.saved); /* RFC 9051 6.4.4.1 */
		search_refuse(c, &s);
	} else
		search(c, &s, &want);
	search_free(&s);
}

const struct verb verbs_search[] = {
    {"SEARCH", ST_SELECTED, VERB_UID | VERB_SILENT_SEQ, cmd_search},
    {"SORT", ST_SELECTED, VERB_UID | VERB_SILENT_SEQ, cmd_sort},
    {"THREAD", ST_SELECTED, VERB_UID | VERB_SILENT_SEQ, cmd_thread},
    {NULL, 0, 0, NULL},
};
