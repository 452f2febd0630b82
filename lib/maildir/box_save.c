/* quoin-index is written: beside, renamed, not synced. Under the lock, which nobody waits
 * for here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "maildir/box_index.h"
#include "wbuf.h"

static const char fresh[] = "quoin-index.new";
enum { WHOLE = BLOCK / 2, PAYS = 256 }; /* blocks of fewer are put together */

struct saving {
	struct box *b;
	int fd;
	struct wbuf w;
	struct index_head h;
	struct sbuf table; /* struct index_block */
	struct sbuf hashes;
	struct sbuf words;
	struct msg m[BLOCK]; /* the block at work; names are offsets */
	struct sbuf names;
	struct index_block k;
};

static uint64_t at(const struct saving *s)
{
	return s->w.bytes;
}

static int put(struct saving *s, const void *p, size_t n)
{
	return n == 0 ? 0 : wbuf_put(&s->w, p, n);
}

static int put_block(struct saving *s, const struct msg *m, const char *names)
{
	size_t len = s->k.n * sizeof *m;

	s->k.at = at(s);
	s->k.check = boxsum_bytes(m, len) ^ boxsum_bytes(names, s->k.names_len);
	for (size_t i = 0; i < s->k.n; i++)
		if (sbuf_cat(&s->hashes, &m[i].hash, sizeof m[i].hash) == -1)
			return -1;
	s->h.messages += s->k.n;
	s->h.blocks++;
	return wbuf_put(&s->w, m, len) == -1 ||
		       wbuf_put(&s->w, names, s->k.names_len) == -1 ||
		       sbuf_cat(&s->table, &s->k, sizeof s->k) == -1
		   ? -1
		   : 0;
}

static int end_block(struct saving *s)
{
	if (s->k.n == 0)
		return 0;
	s->k.first_uid = s->m[0].uid;
	s->k.last_uid = s->m[s->k.n - 1].uid;
	s->k.names_len = (uint32_t)s->names.len;
	if (put_block(s, s->m, s->names.p) == -1)
		return -1;
	s->k = (struct index_block){0};
	sbuf_clear(&s->names);
	return 0;
}

static int add_message(struct saving *s, const struct msg *m)
{
	struct msg *to;

	if (m->state & MSG_GONE)
		return 0;
	if (s->k.n == BLOCK && end_block(s) == -1)
		return -1;
	to = &s->m[s->k.n];
	*to = *m;
	to->state &= MSG_NEW | MSG_SIZED;
	to->name = (const char *)(uintptr_t)(s->names.len + 1);
	boxlist_count(&s->k.tally, to);
	s->k.n++;
	return sbuf_cat(&s->names, m->name - 1, (size_t)(uint8_t)m->name[-1] + 2);
}

static int add_messages(struct saving *s, const struct box_block *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (add_message(s, &b->m[i]) == -1)
			return -1;
	return 0;
}

/* As it is in the index that we have: not even looked at. */
static int copy_block(struct saving *s, struct box_list *l, const struct box_block *b)
{
	size_t len = b->n * sizeof *s->m;

	s->k = (struct index_block){.n = b->n,
				    .names_len = b->index_names,
				    .first_uid = b->first_uid,
				    .last_uid = b->last_uid,
				    .tally = b->tally};
	sbuf_clear(&s->names);
	if (sbuf_reserve(&s->names, b->index_names) == -1 ||
	    boxindex_read_at(l->fd, s->m, len, b->at) == -1 ||
	    boxindex_read_at(l->fd, s->names.p, b->index_names, b->at + len) == -1)
		return -1;
	if (put_block(s, s->m, s->names.p) == -1)
		return -1;
	if (s->k.check != b->check) {
		errno = EBADMSG;
		return -1;
	}
	s->k = (struct index_block){0};
	return 0;
}

static int put_blocks(struct saving *s)
{
	struct box_list *l = &box_state(s->b)->list;

	for (size_t i = 0; i < l->blocks; i++) {
		struct box_block *b = &l->block[i];
		size_t k;

		if (b->m == NULL && b->n >= WHOLE && (s->k.n == 0 || s->k.n >= WHOLE)) {
			if (end_block(s) == -1 || copy_block(s, l, b) == -1)
				return -1;
			continue;
		}
		b = boxlist_block(l, b->first, &k);
		if (b == NULL || add_messages(s, b) == -1)
			return -1;
	}
	return end_block(s);
}

static int put_hashes(struct saving *s)
{
	s->h.hashes_at = at(s);
	return put(s, s->hashes.p, s->hashes.len);
}

/* Those above the floor. */
static int put_runs(struct saving *s)
{
	const struct box_state *state = box_state(s->b);
	struct box_run *p;
	size_t n;
	size_t from = 0;
	int r;

	if (boxruns_all(state, &p, &n) == -1)
		return -1;
	while (from < n && p[from].modseq <= state->log.floor)
		from++;
	s->h.runs = n - from;
	s->h.runs_at = at(s);
	s->h.runs_check = boxsum_bytes(p + from, s->h.runs * sizeof *p);
	r = put(s, p + from, s->h.runs * sizeof *p);
	free(p);
	return r;
}

static int put_tail(struct saving *s)
{
	const struct box_words *w = s->b->words;

	for (unsigned i = 0; i < BOX_KEYWORDS; i++)
		if (w->name[i] != NULL && (sbuf_catc(&s->words, (char)i) == -1 ||
					   sbuf_catz(&s->words, w->name[i]) == -1))
			return -1;
	if (s->table.len > 0 && sbuf_cat(&s->words, s->table.p, s->table.len) == -1)
		return -1;
	s->h.tail_at = at(s);
	s->h.tail_len = s->words.len;
	s->h.tail_check = boxsum_bytes(s->words.p, s->words.len);
	return put(s, s->words.p, s->words.len);
}

static void fill_head(struct index_head *h, const struct box *b)
{
	const struct box_state *s = box_state(b);
	const struct box_log *l = &s->log;

	memcpy(h->magic, INDEX_MAGIC, sizeof h->magic);
	memcpy(h->boot, boxboot, BOOT_LEN);
	h->nonce = l->nonce;
	h->off = l->off;
	h->safe = l->safe;
	memcpy(h->sum, l->sum, SUM_LEN);
	memcpy(h->lease_boot, l->lease_boot, BOOT_LEN);
	h->modseq = l->modseq;
	h->floor = l->floor;
	h->lease = l->lease;
	h->uidvalidity = l->uidvalidity;
	h->uidnext = l->uidnext;
	h->last = l->last;
	h->has_uidl = (uint32_t)l->has_uidl;
	h->new_t = s->new_.t;
	h->cur_t = s->cur.t;
	h->new_n = s->new_.entries;
	h->cur_n = s->cur.entries;
	h->new_proof = s->new_.level == DIR_PROOF;
	h->cur_proof = s->cur.level == DIR_PROOF;
	h->generation = b->generation;
	h->cache_seen = b->cache_seen;
}

static int write_file(struct saving *s)
{
	size_t skip = offsetof(struct index_head, boot);

	wbuf_init(&s->w, s->fd);
	if (put(s, &s->h, sizeof s->h) == -1) /* its place */
		return -1;
	fill_head(&s->h, s->b);
	if (put_blocks(s) == -1 || put_hashes(s) == -1 || put_runs(s) == -1 ||
	    put_tail(s) == -1 || wbuf_flush(&s->w) == -1)
		return -1;
	s->h.check = boxsum_bytes((char *)&s->h + skip, sizeof s->h - skip);
	return pwrite(s->fd, &s->h, sizeof s->h, 0) == sizeof s->h ? 0 : -1;
}

static void saved(struct saving *s, int adopt)
{
	boxindex_saved(s->b, &s->h);
	if (adopt)
		boxadopt(s->b, s->fd, &s->h, s->table.p);
}

static void save(struct box *b, int adopt)
{
	struct saving *s = calloc(1, sizeof *s);

	if (s == NULL)
		return;
	s->b = b;
	s->table.max = s->hashes.max = s->words.max = s->names.max = SIZE_MAX / 2;
	(void)unlinkat(b->dir, fresh, 0);
	s->fd = openat(b->dir, fresh, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	if (s->fd != -1) {
		if (write_file(s) == -1 ||
		    renameat(b->dir, fresh, b->dir, "quoin-index") == -1)
			(void)unlinkat(b->dir, fresh, 0);
		else
			saved(s, adopt);
		(void)close(s->fd);
	}
	sbuf_free(&s->table);
	sbuf_free(&s->hashes);
	sbuf_free(&s->words);
	sbuf_free(&s->names);
	free(s);
}

/* A read of what was appended since, and of messages that must be looked at again, costs
 * less than writing all, until it is much. That the directories need not be read is worth
 * it at once. */
static int pays(struct box *b)
{
	const struct box_state *s = box_state(b);
	size_t changes = s->list.learned + (s->log.off - s->index_off) / 64;

	return (changes > 0 && changes >= s->list.n / PAYS) ||
	       (s->cur.level == DIR_PROOF && !s->index_proof) || boxcompact_pays(b);
}

static void checkpoint(struct box *b, int adopt)
{
	struct box_state *s = box_state(b);

	if (s->broken || s->log.fd == -1 || s->log.uidvalidity == 0 || !pays(b) ||
	    boxlog_try_lock(&s->log) == -1)
		return;
	if (boxcompact(b) == 0)
		save(b, adopt);
	boxlog_unlock(&s->log);
}

void box_checkpoint(struct box *b)
{
	checkpoint(b, 0);
}

void box_rest(struct box *b)
{
	struct box_list *l = &box_state(b)->list;

	checkpoint(b, 1);
	l->last = l->blocks; /* that one too: nobody has a pointer into it any more */
	boxlist_rest(l, 0);
}
