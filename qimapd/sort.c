/* SORT (RFC 5256 3). */
#include <errno.h>
#include <stdlib.h>

#include "io.h"
#include "maildir/rows.h"
#include "out.h"
#include "parsed.h"
#include "sbuf.h"
#include "search.h"
#include "sortkept.h"
#include "sortkey.h"
#include "sortrow.h"
#include "vanished.h"

enum {
	SORT_KEYS = SORTKEPT_KEYS,
	SORT_REVERSE = 0x80,
	SORT_TEXTS = 512 * 1024 * 1024,
	SORT_ROW = 64 * 1024 * 1024
};

struct column {
	enum sort_by by;
	int reverse;
	int64_t *number;
	struct sort_text *text;
	struct sbuf texts;
};

struct sort {
	struct column column[SORT_KEYS];
	size_t ncolumns;
	struct search search;
	uint32_t *at; /* what was found; then their numbers or uids */
	size_t n;
	unsigned char *has; /* its keys are there */
	size_t next;        /* the place that a row is looked for first */
	struct rows rows;
	struct sbuf row;
	uint32_t *order;
	int is_lasting;  /* the same keys would order them alike again */
	uint64_t modseq; /* the highest, where a key asked for it */
};

/* ---- its words ---- */

static const struct {
	const char *name;
	enum sort_by by;
} criteria[] = {{"ARRIVAL", SORT_ARRIVAL},
		{"CC", SORT_CC},
		{"DATE", SORT_DATE},
		{"FROM", SORT_FROM},
		{"SIZE", SORT_SIZE},
		{"SUBJECT", SORT_SUBJECT},
		{"TO", SORT_TO}};

static int read_key(struct words *w, struct column *col)
{
	*col = (struct column){.texts = SBUF_INIT(SORT_TEXTS)};
	if (take_word(w, "REVERSE") == 0) {
		col->reverse = 1;
		if (take_space(w) == -1)
			return -1;
	}
	for (size_t k = 0; k < sizeof criteria / sizeof *criteria; k++)
		if (take_word(w, criteria[k].name) == 0) {
			col->by = criteria[k].by;
			return 0;
		}
	return -1;
}

static int read_keys(struct words *w, struct sort *s)
{
	if (take_space(w) == -1 || take_char(w, '(') == -1)
		return -1;
	do {
		if (s->ncolumns == SORT_KEYS ||
		    read_key(w, &s->column[s->ncolumns++]) == -1)
			return -1;
	} while (take_space(w) == 0);
	return take_char(w, ')');
}

/* ---- keys of messages ---- */

static int is_number(enum sort_by by)
{
	return by == SORT_ARRIVAL || by == SORT_DATE || by == SORT_SIZE;
}

static enum sortrow_text text_of(enum sort_by by)
{
	switch (by) {
	case SORT_CC:
		return SORTROW_CC;
	case SORT_FROM:
		return SORTROW_FROM;
	case SORT_TO:
		return SORTROW_TO;
	default:
		return SORTROW_SUBJECT;
	}
}

/* A message that cannot be read any more has keys as if it had no header. */
static int64_t number(struct sort *s, size_t i, enum sort_by by, int64_t sent)
{
	struct box *b = &session.box;
	const struct msg *m = box_at(b, i);

	if (by == SORT_SIZE)
		return m == NULL || (m->size == 0 && box_size(b, i) == -1)
			   ? 0
			   : (int64_t)box_at(b, i)->size;
	if (by == SORT_DATE && sent != INT64_MIN)
		return sent;
	if (m != NULL && (m->date != INT64_MIN || box_date(b, i) == 0))
		return box_at(b, i)->date;
	s->is_lasting = 0;
	return 0;
}

static int add_keys(struct sort *s, size_t k, const struct sortrow *keys)
{
	for (size_t c = 0; c < s->ncolumns; c++) {
		struct column *col = &s->column[c];
		enum sortrow_text t = text_of(col->by);

		if (col->number != NULL) {
			col->number[k] = number(s, s->at[k], col->by, keys->sent);
			continue;
		}
		col->text[k] = (struct sort_text){col->texts.len, keys->text[t].n};
		if (sbuf_cat(&col->texts, keys->text[t].p, keys->text[t].n) == -1)
			return -1;
	}
	return 0;
}

/* The place of a message among those that were found, or n. */
static size_t place_of(const struct sort *s, size_t i)
{
	size_t lo = s->next, hi = s->n;

	if (lo < hi && s->at[lo] == i)
		return lo;
	for (lo = 0; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->at[mid] < i)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && s->at[lo] == i ? lo : s->n;
}

static void have_row(void *arg, size_t i, const char *p, size_t n)
{
	struct sort *s = arg;
	size_t k = place_of(s, i);
	struct sortrow keys;

	if (k == s->n || s->has[k] || sortrow_read(&keys, p, n) == -1)
		return;
	s->has[k] = add_keys(s, k, &keys) == 0;
	s->next = k + 1;
}

static int add_message(struct sort *s, size_t k)
{
	struct sortrow keys;
	const char *p = NULL;
	size_t n = 0;
	int r = parsed_digest(s->at[k], &p, &n);

	if (r != 1)
		n = s->is_lasting = 0;
	if (sortrow_make(&s->row, p, n) == -1 ||
	    sortrow_read(&keys, s->row.p, s->row.len) == -1)
		return -1;
	if (r == 1)
		rows_add(&s->rows, s->at[k], s->row.p, s->row.len);
	return add_keys(s, k, &keys);
}

/* From what is kept, else from digests, which is kept then. */
static int add_messages(struct sort *s)
{
	int64_t next = 0;
	int r = 0;

	s->has = calloc(s->n + 1, 1);
	if (s->has == NULL)
		return -1;
	rows_read(&s->rows, &session.box, SORTROW_FILE, have_row, s);
	for (size_t k = 0; r == 0 && k < s->n; k++) {
		if (s->has[k])
			continue;
		search_sign(&next, k, s->n);
		r = add_message(s, k);
	}
	rows_end(&s->rows);
	return r;
}

static int add_numbers(struct sort *s)
{
	static const struct sortrow none = {.sent = INT64_MIN};

	for (size_t k = 0; k < s->n; k++)
		if (add_keys(s, k, &none) == -1)
			return -1;
	return 0;
}

static int make_columns(struct sort *s)
{
	int needs_header = 0;

	s->is_lasting = 1;
	for (size_t c = 0; c < s->ncolumns; c++) {
		struct column *col = &s->column[c];

		needs_header |= col->by != SORT_ARRIVAL && col->by != SORT_SIZE;
		s->is_lasting &= col->by != SORT_SIZE;
		if (is_number(col->by))
			col->number = malloc((s->n + 1) * sizeof *col->number);
		else
			col->text = malloc((s->n + 1) * sizeof *col->text);
		if (col->number == NULL && col->text == NULL)
			return -1;
	}
	return needs_header ? add_messages(s) : add_numbers(s);
}

static int find_order(struct sort *s)
{
	struct sort_column col[SORT_KEYS];

	if (make_columns(s) == -1)
		return -1;
	for (size_t c = 0; c < s->ncolumns; c++)
		col[c] = (struct sort_column){s->column[c].reverse, s->column[c].number,
					      s->column[c].text, s->column[c].texts.p};
	for (size_t k = 0; k < s->n; k++)
		s->order[k] = (uint32_t)k;
	return sortkey_order(s->order, s->n, col, s->ncolumns);
}

static int order(struct sort *s)
{
	struct sortkept_keys asked = {{0}};

	for (size_t c = 0; c < s->ncolumns; c++)
		asked.key[c] = (uint8_t)((s->column[c].by + 1) |
					 (s->column[c].reverse ? SORT_REVERSE : 0));
	s->order = malloc((s->n + 1) * sizeof *s->order);
	if (s->order == NULL)
		return -1;
	if (sortkept_get(&asked, s->at, s->n, s->order))
		return 0;
	if (find_order(s) == -1)
		return -1;
	if (s->is_lasting)
		sortkept_put(&asked, s->at, s->n, s->order);
	return 0;
}

/* ---- the command ---- */

/* In the order of the mailbox, which is how it is read fast. */
static void number_all(struct sort *s, int by_uid)
{
	for (size_t k = 0; k < s->n; k++) {
		const struct msg *m = by_uid || s->search.has_modseq
					  ? box_at(&session.box, s->at[k])
					  : NULL;

		if (m != NULL && m->modseq > s->modseq)
			s->modseq = m->modseq;
		s->at[k] = m != NULL && by_uid ? m->uid : s->at[k] + 1;
	}
}

static void put_order(const struct sort *s)
{
	io_puts("* SORT");
	for (size_t k = 0; k < s->n; k++) {
		char *p = io_room(11);

		p[0] = ' ';
		io_wrote(1 + out_u32(p + 1, s->at[s->order[k]]));
	}
	if (s->search.has_modseq && s->n > 0) { /* RFC 7162 3.1.9 */
		io_puts(" (MODSEQ ");
		io_number(s->modseq);
		io_putc(')');
	}
	io_puts("\r\n");
}

static void sort_free(struct sort *s)
{
	for (size_t c = 0; c < s->ncolumns; c++) {
		free(s->column[c].number);
		free(s->column[c].text);
		sbuf_free(&s->column[c].texts);
	}
	search_free(&s->search);
	sbuf_free(&s->row);
	free(s->has);
	free(s->at);
	free(s->order);
	parsed_done();
}

void cmd_sort(struct command *c)
{
	struct sort s = {.row = SBUF_INIT(SORT_ROW)};
	struct text charset;

	if (read_keys(&c->w, &s) == -1 || take_space(&c->w) == -1 ||
	    take_astring(&c->w, &charset) == -1 || take_space(&c->w) == -1) {
		bad(c, "SORT needs (criteria), a charset and search keys");
	} else if (search_read(&s.search, &c->w, charset.p) == -1) {
		search_refuse(c, &s.search);
	} else {
		if (s.search.has_modseq)
			condstore_on();
		if (search_collect(&s.search, &s.at, &s.n) == -1 || order(&s) == -1) {
			no_errno(c, "sort");
		} else {
			number_all(&s, c->uid);
			put_order(&s);
			ok(c, "", "SORT is complete");
		}
	}
	sort_free(&s);
}
