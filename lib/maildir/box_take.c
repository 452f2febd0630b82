/* UIDs, keywords and UIDLs of another server, for a folder that has none of ours. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/box_int.h"

struct taking {
	const struct box_takeover *t;
	struct box_target target;
	struct box_taken *msg; /* sorted by base while files are sought */
	struct box_entry *found;
	size_t n;
	int in_new;
};

static int by_base(const void *a, const void *b)
{
	return strcmp(((const struct box_taken *)a)->base,
		      ((const struct box_taken *)b)->base);
}

static int by_uid(const void *a, const void *b)
{
	const struct box_entry *x = a;
	const struct box_entry *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

static uint64_t letters_of(const struct box_takeover *t, const char *name,
			   const struct msg_name *n)
{
	uint64_t bits = 0;

	if (t->has_letters && strncmp(name + n->info, ":2,", 3) == 0)
		for (const char *c = name + n->info + 3; *c != '\0'; c++)
			if (*c >= 'a' && *c <= 'z' && t->words[*c - 'a'] != NULL)
				bits |= UINT64_C(1) << (*c - 'a');
	return bits;
}

static int see(void *arg, const char *name, int is_file)
{
	struct taking *g = arg;
	char base[MSG_NAME + 1];
	struct box_taken key = {.base = base};
	struct box_taken *at;
	struct box_entry *e;
	struct msg_name n;

	if (is_file == 0 || msg_name_read(&n, name) == -1)
		return 0;
	memcpy(base, name, n.base);
	base[n.base] = '\0';
	at = bsearch(&key, g->msg, g->t->n, sizeof key, by_base);
	if (at == NULL || g->found[at - g->msg].text != NULL)
		return 0;
	e = &g->found[at - g->msg];
	*e = (struct box_entry){.uid = at->uid,
				.flags = (uint8_t)n.flags,
				.in_new = g->in_new,
				.modseq = 1,
				.keywords = at->keywords | letters_of(g->t, name, &n),
				.text = strndup(name, n.info),
				.len = n.info};
	return e->text == NULL ? -1 : 0;
}

static int read_dirs(struct taking *g)
{
	g->in_new = 1;
	if (boxdir_read(g->target.new_, see, g) == -1)
		return -1;
	g->in_new = 0;
	return boxdir_read(g->target.cur, see, g);
}

static int put_item(struct sbuf *b, char what, const struct box_entry *e)
{
	size_t mark;

	if (boxitem_begin(b, what, 0, 0, &mark) == -1 || boxitem_put(b, what, e) == -1)
		return -1;
	boxitem_end(b, mark, 1);
	return 0;
}

static int put_start(const struct taking *g, struct sbuf *b)
{
	struct box_entry e = {.uid = g->t->uidvalidity, .hi = g->t->uidnext, .modseq = 1};

	for (size_t i = 0; i < g->t->n; i++)
		if (g->found[i].text != NULL && g->found[i].uid >= e.hi)
			e.hi = g->found[i].uid + 1;
	if (put_item(b, 'S', &e) == -1)
		return -1;
	for (unsigned i = 0; i < BOX_KEYWORDS; i++) {
		const char *name = g->t->words[i];
		struct box_entry w = {.uid = i, .text = name};

		if (name == NULL || (w.len = strlen(name)) == 0 || w.len > BOX_KEYWORD)
			continue;
		if (put_item(b, 'W', &w) == -1)
			return -1;
	}
	return 0;
}

/* Ascending; a uid that was given twice stays the first one's. */
static int put_messages(struct taking *g, struct box_file *f, struct sbuf *b)
{
	uint32_t last = 0;

	qsort(g->found, g->t->n, sizeof *g->found, by_uid);
	for (size_t i = 0; i < g->t->n; i++) {
		struct box_entry *e = &g->found[i];

		if (e->text == NULL || e->uid <= last || e->uid == UINT32_MAX)
			continue;
		last = e->uid;
		if (put_item(b, 'M', e) == -1 ||
		    (b->len > RECORD_MAX / 2 && boxfile_record(f, b) == -1))
			return -1;
	}
	return 0;
}

static int put_uidls(const struct taking *g, struct box_file *f, struct sbuf *b)
{
	for (size_t i = 0; i < g->t->n; i++) {
		const char *uidl = g->t->msg[i].uidl;
		struct box_entry e = {.uid = g->t->msg[i].uid, .text = uidl};

		if (uidl == NULL || (e.len = strlen(uidl)) == 0 || e.len > 70)
			continue;
		if (put_item(b, 'U', &e) == -1 ||
		    (b->len > RECORD_MAX / 2 && boxfile_record(f, b) == -1))
			return -1;
	}
	return b->len > RECORD_HEAD ? boxfile_record(f, b) : 0;
}

static int write_file(struct taking *g)
{
	struct sbuf b = SBUF_INIT(RECORD_MAX + RECORD_HEAD + SUM_LEN);
	struct box_file f;

	if (boxfile_begin(&f, g->target.dir) == -1)
		return -1;
	if (boxlog_begin(&b) == -1 || put_start(g, &b) == -1 ||
	    put_messages(g, &f, &b) == -1 || put_uidls(g, &f, &b) == -1) {
		sbuf_free(&b);
		boxfile_abort(&f);
		return -1;
	}
	sbuf_free(&b);
	return boxfile_commit(&f, &g->target.log);
}

static int take(struct taking *g)
{
	const struct box_takeover *t = g->t;

	g->msg = reallocarray(NULL, t->n + 1, sizeof *g->msg);
	g->found = calloc(t->n + 1, sizeof *g->found);
	if (g->msg == NULL || g->found == NULL)
		return -1;
	if (t->n > 0)
		memcpy(g->msg, t->msg, t->n * sizeof *t->msg);
	qsort(g->msg, t->n, sizeof *g->msg, by_base);
	return read_dirs(g) == -1 || write_file(g) == -1 ? -1 : 0;
}

int box_take_over(int dir, const struct box_takeover *t)
{
	struct taking g = {.t = t};
	int r;

	if (t->uidvalidity == 0 || t->uidnext == 0) {
		errno = EINVAL;
		return -1;
	}
	if (boxtarget_open_new(&g.target, dir) == -1)
		return -1;
	r = take(&g);
	boxtarget_close(&g.target);
	for (size_t i = 0; g.found != NULL && i < t->n; i++)
		free((char *)(uintptr_t)g.found[i].text);
	free(g.found);
	free(g.msg);
	return r;
}
