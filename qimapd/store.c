/* STORE (RFC 9051 6.4.6, RFC 7162 3.1.3). */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "io.h"
#include "messages.h"
#include "out.h"
#include "sbuf.h"
#include "update.h"
#include "vanished.h"

enum { MODIFIED = 16 * 1024 * 1024 }; /* bytes of a code's list */

struct before { /* what the client knows of a message */
	uint64_t keywords;
	unsigned flags;
	int is_known;
};

struct store_command {
	struct box_store change;
	int is_silent;
	int has_unchangedsince;
	int is_new; /* a keyword that the client has not heard of */
	const char *keyword[BOX_KEYWORDS + 1];
	struct messages ms;
	struct before *before;
	struct set modified; /* numbers or uids, as the command's */
	int by_uid;
	int error;
};

/* ---- its words ---- */

static int read_modifier(struct store_command *s, struct words *w)
{
	if (words_peek(w) != '(')
		return 0;
	s->has_unchangedsince = 1;
	if (take_char(w, '(') == -1 || take_word(w, "UNCHANGEDSINCE") == -1 ||
	    take_space(w) == -1 || take_u64(w, &s->change.unchangedsince) == -1 ||
	    take_char(w, ')') == -1)
		return -1;
	return take_space(w);
}

static int read_how(struct store_command *s, struct words *w)
{
	s->change.how = BOX_REPLACE;
	if (take_char(w, '+') == 0)
		s->change.how = BOX_ADD;
	else if (take_char(w, '-') == 0)
		s->change.how = BOX_REMOVE;
	if (take_word(w, "FLAGS.SILENT") == 0)
		s->is_silent = 1;
	else if (take_word(w, "FLAGS") == -1)
		return -1;
	return take_space(w);
}

/* Flags without parentheses (RFC 9051 9, store-att-flags). */
static int read_bare(struct store_command *s, struct words *w)
{
	size_t n = 0;

	do {
		struct text t;

		if (n == BOX_KEYWORDS || take_flag(w, &s->change.flags, &t) == -1)
			return -1;
		if (t.p != NULL)
			s->keyword[n++] = t.p;
	} while (take_space(w) == 0);
	s->keyword[n] = NULL;
	return 0;
}

static int read_store(struct store_command *s, struct words *w)
{
	if (take_space(w) == -1 || read_modifier(s, w) == -1 || read_how(s, w) == -1)
		return -1;
	if (words_peek(w) == '(' ? take_flags(w, &s->change.flags, s->keyword) == -1
				 : read_bare(s, w) == -1)
		return -1;
	return words_end(w) ? 0 : -1;
}

/* ---- keywords ---- */

static int keyword_bit(struct store_command *s, const char *name)
{
	int bit = box_keyword_bit(&session.box, name, 0);

	if (bit != -1 || errno != ENOENT || s->change.how == BOX_REMOVE)
		return bit;
	s->is_new = 1;
	return box_keyword_bit(&session.box, name, 1);
}

/* Names to bits. What nobody has need not be made to take it away. */
static int find_keywords(struct store_command *s)
{
	for (size_t k = 0; s->keyword[k] != NULL; k++) {
		int bit = keyword_bit(s, s->keyword[k]);

		if (bit == -1 && (s->change.how != BOX_REMOVE || errno != ENOENT))
			return -1;
		if (bit != -1)
			s->change.keywords |= (uint64_t)1 << bit;
	}
	return 0;
}

/* ---- what the client will believe ---- */

static void expect(const struct box_store *c, const struct msg *m, struct before *b)
{
	b->is_known = !(m->state & MSG_CHANGED);
	b->flags = m->flags;
	b->keywords = m->keywords;
	if (c->how == BOX_REPLACE) {
		b->flags = c->flags;
		b->keywords = c->keywords;
	} else if (c->how == BOX_ADD) {
		b->flags |= c->flags;
		b->keywords |= c->keywords;
	} else {
		b->flags &= ~c->flags;
		b->keywords &= ~c->keywords;
	}
}

/* .SILENT: the client reckons itself; where others changed something besides, it must hear. */
static int expect_all(struct store_command *s)
{
	if (!s->is_silent)
		return 0;
	s->before = malloc((s->ms.n + 1) * sizeof *s->before);
	if (s->before == NULL)
		return -1;
	for (size_t k = 0; k < s->ms.n; k++) {
		const struct msg *m = box_at(&session.box, s->ms.at[k]);

		if (m == NULL)
			return -1;
		expect(&s->change, m, &s->before[k]);
	}
	return 0;
}

/* ---- answers ---- */

static int was_modified(const struct store_command *s, size_t i, uint32_t uid)
{
	return s->modified.n > 0 &&
	       set_has(&s->modified, s->by_uid ? uid : (uint32_t)i + 1);
}

static void tell_modseq(size_t i, const struct msg *m, int with_uid)
{
	io_puts("* ");
	io_number(i + 1);
	io_puts(with_uid ? " FETCH (UID " : " FETCH (MODSEQ (");
	if (with_uid) {
		io_number(m->uid);
		io_puts(" MODSEQ (");
	}
	io_number(m->modseq);
	io_puts("))\r\n");
}

static void tell_one(struct store_command *s, size_t k)
{
	size_t i = s->ms.at[k];
	struct msg *m = box_at(&session.box, i);
	const struct before *b = s->is_silent ? &s->before[k] : NULL;
	int with_uid = s->by_uid || session.on != 0;

	if (m == NULL || m->state & MSG_GONE || was_modified(s, i, m->uid))
		return;
	if (b == NULL) {
		update_flags(i, with_uid);
		return;
	}
	if (!b->is_known || b->flags != m->flags || b->keywords != m->keywords)
		return; /* update_tell() will */
	if (session.on & ON_CONDSTORE && m->state & MSG_CHANGED)
		tell_modseq(i, m, with_uid);
	box_told(m);
}

static void note_modified(void *arg, size_t i)
{
	struct store_command *s = arg;
	const struct msg *m = box_at(&session.box, i);
	uint32_t n = s->by_uid && m != NULL ? m->uid : (uint32_t)i + 1;

	if (set_add(&s->modified, n, n) == -1)
		s->error = errno;
}

static void answer(struct command *c, struct store_command *s)
{
	struct sbuf code = SBUF_INIT(MODIFIED);

	if (s->modified.n == 0)
		ok(c, messages_issued(&s->ms), "STORE is complete");
	else if (sbuf_cats(&code, "MODIFIED ") == -1 ||
		 set_cat(&code, &s->modified) == -1)
		no_errno(c, "say what was modified");
	else
		ok(c, sbuf_str(&code), "others had changed some");
	sbuf_free(&code);
}

static void store(struct command *c, struct store_command *s)
{
	if (s->has_unchangedsince)
		condstore_on();
	s->change.modified = note_modified;
	s->change.arg = s;
	if (find_keywords(s) == -1 || expect_all(s) == -1 ||
	    box_store(&session.box, s->ms.at, s->ms.n, &s->change) == -1) {
		no_errno(c, "change flags");
		return;
	}
	set_sort(&s->modified);
	if (s->is_new) /* before a line that has one */
		update_permanent_flags();
	for (size_t k = 0; k < s->ms.n; k++)
		tell_one(s, k);
	errno = s->error;
	if (s->error != 0)
		no_errno(c, "say what was modified");
	else
		answer(c, s);
}

static void cmd_store(struct command *c)
{
	struct store_command s = {.change.unchangedsince = UINT64_MAX, .by_uid = c->uid};

	if (messages_read(c, &s.ms) == -1 || read_store(&s, &c->w) == -1)
		bad(c, "STORE needs a set, FLAGS and flags");
	else if (messages_find(c, &s.ms) == 0)
		store(c, &s);
	messages_free(&s.ms);
	set_free(&s.modified);
	free(s.before);
}

const struct verb verbs_store[] = {
    {"STORE", ST_SELECTED, VERB_UID | VERB_SILENT_SEQ | VERB_WRITES, cmd_store},
    {NULL, 0, 0, NULL},
};
