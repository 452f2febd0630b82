#include "maildir/box_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

int boxindex_read_at(int fd, void *p, size_t n, uint64_t at)
{
	char *to = p;

	while (n > 0) {
		ssize_t r = pread(fd, to, n, (off_t)at);

		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		if (r == 0)
			return bad();
		to += r;
		n -= (size_t)r;
		at += (uint64_t)r;
	}
	return 0;
}

/* ---- the head, and the log that it belongs to ---- */

static int is_sane(const struct index_head *h, uint64_t size)
{
	return h->messages <= BOX_MESSAGES && h->blocks <= INDEX_BLOCKS &&
	       h->blocks <= h->messages && h->tail_at <= size &&
	       h->tail_len == size - h->tail_at &&
	       h->tail_len >= h->blocks * sizeof(struct index_block) &&
	       h->tail_len - h->blocks * sizeof(struct index_block) <= INDEX_WORDS &&
	       h->runs <= BOX_MESSAGES && h->uidvalidity != 0;
}

int boxindex_open(int dir, struct index_head *h)
{
	size_t skip = offsetof(struct index_head, boot);
	struct stat st;
	int fd =
	    openat(dir, "quoin-index", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    boxindex_read_at(fd, h, sizeof *h, 0) == 0 &&
	    memcmp(h->magic, INDEX_MAGIC, sizeof h->magic) == 0 &&
	    h->check == boxsum_bytes((char *)h + skip, sizeof *h - skip) &&
	    is_sane(h, (uint64_t)st.st_size))
		return fd;
	(void)close(fd);
	return -1;
}

/* The record before off is the one that the index saw: then all before it is. If not, the
 * index still knows how far the log was once durable. */
int boxindex_fits(struct box_log *l, const struct index_head *h)
{
	uint8_t sum[SUM_LEN];
	int same_boot = memcmp(h->boot, boxboot, BOOT_LEN) == 0;

	if (l->fd == -1 || h->nonce != l->nonce || h->off < l->base)
		return 0;
	if (boxindex_read_at(l->fd, sum, sizeof sum, h->off - SUM_LEN) == 0 &&
	    memcmp(sum, h->sum, SUM_LEN) == 0)
		return 1;
	if ((same_boot ? h->off : h->safe) > l->must)
		l->must = same_boot ? h->off : h->safe;
	return 0;
}

void boxindex_set_log(struct box_log *l, const struct index_head *h)
{
	l->off = h->off;
	l->safe = h->safe;
	memcpy(l->sum, h->sum, SUM_LEN);
	memcpy(l->lease_boot, h->lease_boot, BOOT_LEN);
	l->modseq = h->modseq;
	l->floor = h->floor;
	l->lease = h->lease;
	l->uidvalidity = h->uidvalidity;
	l->uidnext = h->uidnext;
	l->last = h->last;
	l->has_uidl = (int)h->has_uidl;
}

/* ---- its end: names of keywords, the table of blocks ---- */

static int take_words(struct box_words *w, const char *p, size_t n)
{
	struct cursor c;
	uint8_t bit;
	const char *name;

	cur_init(&c, p, n);
	while (c.len > 0) {
		if (cur_u8(&c, &bit) == -1 || bit >= BOX_KEYWORDS ||
		    cur_str(&c, BOX_KEYWORD, &name) == -1 || w->name[bit] != NULL)
			return bad();
		w->name[bit] = strdup(name);
		if (w->name[bit] == NULL)
			return -1;
	}
	return 0;
}

static char *read_tail(int fd, const struct index_head *h)
{
	char *p = malloc(h->tail_len + 1);

	if (p != NULL && boxindex_read_at(fd, p, h->tail_len, h->tail_at) == 0 &&
	    boxsum_bytes(p, h->tail_len) == h->tail_check)
		return p;
	free(p);
	return NULL;
}

/* last: the uid before it. */
static int is_block(const struct index_block *k, const struct index_head *h,
		    uint32_t last)
{
	return k->n > 0 && k->n <= BLOCK && k->names_len > 0 &&
	       k->names_len <= INDEX_BLOCK_NAMES && k->at >= sizeof *h &&
	       k->at < h->tail_at && k->first_uid > last && k->last_uid >= k->first_uid &&
	       k->tally.gone == 0 && k->tally.in_new <= k->n;
}

int boxindex_table(struct box_list *l, const char *p, const struct index_head *h)
{
	uint32_t last = 0;

	l->block = calloc(h->blocks + 1, sizeof *l->block);
	if (l->block == NULL)
		return -1;
	l->room = h->blocks + 1;
	for (size_t i = 0; i < h->blocks; i++) {
		struct index_block k;

		memcpy(&k, p + i * sizeof k, sizeof k);
		if (!is_block(&k, h, last))
			return bad();
		last = k.last_uid;
		l->block[i] = (struct box_block){.n = k.n,
						 .index_names = k.names_len,
						 .first = (uint32_t)l->n,
						 .hash_first = (uint32_t)l->n,
						 .first_uid = k.first_uid,
						 .last_uid = k.last_uid,
						 .tally = k.tally,
						 .at = k.at,
						 .check = k.check};
		l->n += k.n;
		l->blocks++;
	}
	return l->n == h->messages ? 0 : bad();
}

static int take_all(struct box *b, int fd, const struct index_head *h)
{
	struct box_state *s = box_state(b);
	size_t table = h->blocks * sizeof(struct index_block);
	char *p = read_tail(fd, h);
	int r = -1;

	if (p == NULL)
		return -1;
	if (take_words(&s->log.words, p, h->tail_len - table) == 0 &&
	    boxindex_table(&s->list, p + h->tail_len - table, h) == 0)
		r = 0;
	free(p);
	if (r == -1) {
		boxlist_free(&s->list);
		boxlog_words_free(&s->log.words);
	}
	return r;
}

static void take_times(struct box_state *s, const struct index_head *h)
{
	int same_boot = memcmp(h->boot, boxboot, BOOT_LEN) == 0;

	s->new_ = (struct box_watched){
	    h->new_t, same_boot && h->new_proof ? DIR_PROOF : DIR_NONE, h->new_n};
	s->cur = (struct box_watched){
	    h->cur_t, same_boot && h->cur_proof ? DIR_PROOF : DIR_NONE, h->cur_n};
}

void boxindex_sections(struct box *b, const struct index_head *h)
{
	struct box_state *s = box_state(b);

	s->list.hashes_at = h->hashes_at;
	s->list.index_modseq = h->modseq;
	s->index_runs_at = h->runs_at;
	s->index_runs_check = h->runs_check;
	s->index_runs = h->runs;
	s->nruns = 0;
}

void boxindex_use(struct box *b)
{
	struct box_state *s = box_state(b);
	struct index_head h;
	int fd = boxindex_open(b->dir, &h);

	if (fd == -1)
		return;
	if (!boxindex_fits(&s->log, &h) || take_all(b, fd, &h) == -1) {
		(void)close(fd);
		return;
	}
	boxindex_set_log(&s->log, &h);
	take_times(s, &h);
	s->list.fd = fd;
	s->index_off = h.off;
	s->index_proof = (int)h.cur_proof;
	boxindex_sections(b, &h);
	b->generation = h.generation;
	b->cache_seen = h.cache_seen;
}

void boxindex_saved(struct box *b, const struct index_head *h)
{
	struct box_state *s = box_state(b);

	s->index_off = h->off;
	s->index_proof = (int)h->cur_proof;
	s->list.learned = 0;
}

void boxindex_start(struct box_log *l)
{
	struct index_head h;
	int fd = boxindex_open(l->dir, &h);
	char *p;

	if (fd == -1)
		return;
	if (boxindex_fits(l, &h) && (p = read_tail(fd, &h)) != NULL) {
		size_t table = h.blocks * sizeof(struct index_block);

		if (take_words(&l->words, p, h.tail_len - table) == 0)
			boxindex_set_log(l, &h);
		else
			boxlog_words_free(&l->words);
		free(p);
	}
	(void)close(fd);
}

/* ---- a block ---- */

/* An offset becomes a pointer. Slots stand in the order of the messages. */
static int take_name(struct box_block *b, struct msg *m, size_t *end)
{
	size_t at = (size_t)(uintptr_t)m->name;
	size_t room;

	if (at <= *end || at >= b->names_len)
		return bad();
	room = (uint8_t)b->names[at - 1];
	if (room > MSG_NAME || room >= b->names_len - at ||
	    memchr(b->names + at, '\0', room + 1) == NULL)
		return bad();
	m->name = b->names + at;
	*end = at + room + 1;
	return 0;
}

/* Sums find accidents. Somebody who makes them right must not get more than he had: tables
 * are as large as tallies and uids say. */
static int take_messages(struct box_block *b)
{
	uint32_t in_new = 0;
	size_t end = 0;

	for (size_t i = 0; i < b->n; i++) {
		struct msg *m = &b->m[i];

		if (m->state & ~(MSG_NEW | MSG_SIZED) || (i > 0 && m->uid <= m[-1].uid) ||
		    take_name(b, m, &end) == -1)
			return bad();
		in_new += (m->state & MSG_NEW) != 0;
	}
	return in_new == b->tally.in_new && b->m[0].uid == b->first_uid &&
		       b->m[b->n - 1].uid == b->last_uid
		   ? 0
		   : bad();
}

static int read_block(int fd, struct box_block *b)
{
	size_t len = b->n * sizeof *b->m;
	struct iovec v[] = {{b->m, len}, {b->names, b->names_len}};
	ssize_t r;

	do
		r = preadv(fd, v, 2, (off_t)b->at);
	while (r == -1 && errno == EINTR);
	if (r == -1)
		return -1;
	if ((size_t)r != len + b->names_len ||
	    (boxsum_bytes(b->m, len) ^ boxsum_bytes(b->names, b->names_len)) != b->check)
		return bad();
	return take_messages(b);
}

int boxindex_load(struct box_list *l, struct box_block *b)
{
	b->names_len = b->names_room = b->index_names;
	b->room = b->n;
	b->m = reallocarray(NULL, b->n, sizeof *b->m);
	b->names = malloc(b->names_len);
	if (b->m != NULL && b->names != NULL && l->fd != -1 && read_block(l->fd, b) == 0)
		return 0;
	free(b->m);
	free(b->names);
	b->m = NULL;
	b->names = NULL;
	b->names_len = b->names_room = b->room = 0;
	return errno == ENOMEM ? -1 : boxrepair(l, b);
}

/* ---- hashes of bases, without the blocks ---- */

/* Those of a block that is not in memory. */
int boxindex_hashes(const struct box_list *l, const struct box_block *b, uint32_t *out)
{
	return boxindex_read_at(l->fd, out, b->n * sizeof *out,
				l->hashes_at + (uint64_t)b->hash_first * sizeof *out);
}
