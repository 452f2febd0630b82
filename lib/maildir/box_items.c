/* The items of a record: a letter, what all entries share, how many, the entries. */
#include <errno.h>
#include <string.h>

#include "maildir/box_int.h"

enum { /* of the item */
       MODSEQ = 1,
       SAVED = 2,
       /* of each entry, in this order */
       UID = 4,
       HI = 8,
       FLAGS = 16,
       E_MODSEQ = 32,
       E_SAVED = 64,
       KEYWORDS = 128,
       TEXT = 256,
       BOOT = 512,
       TIMES = 1024
};

enum { TIMES_LEN = 48 }; /* ino, mtime, ctime; before and after */

static unsigned shape_of(char what)
{
	switch (what) {
	case 'S': /* the state when the file was begun */
		return UID | HI | E_MODSEQ | KEYWORDS;
	case 'A': /* uids are assigned */
		return MODSEQ | SAVED | UID | FLAGS | TEXT;
	case 'M': /* a message, when the file was begun */
		return UID | FLAGS | E_MODSEQ | E_SAVED | KEYWORDS | TEXT;
	case 'X': /* expunged */
		return MODSEQ | UID | HI;
	case 'F':
		return MODSEQ | UID | FLAGS;
	case 'K':
		return MODSEQ | UID | KEYWORDS;
	case 'W': /* names of keywords */
		return UID | TEXT;
	case 'N': /* moved from new/ to cur/ */
		return UID;
	case 'L': /* the lease */
		return KEYWORDS | BOOT;
	case 'U': /* POP3's UIDL, taken over */
		return UID | TEXT;
	case 'T': /* a directory's times, before and after a change of ours */
		return FLAGS | TIMES;
	default:
		return 0;
	}
}

int boxitem_take(struct cursor *body, struct box_item *item)
{
	uint8_t what;
	uint64_t v = 0;
	unsigned shape;

	if (body->len == 0)
		return 0;
	if (cur_u8(body, &what) == -1)
		return -1;
	*item = (struct box_item){.what = (char)what};
	shape = shape_of(item->what);
	if (shape == 0) {
		errno = EPROTO;
		return -1;
	}
	if ((shape & MODSEQ) && cur_u64(body, &item->modseq) == -1)
		return -1;
	if ((shape & SAVED) && cur_u64(body, &v) == -1)
		return -1;
	item->saved = (int64_t)v;
	if (cur_u32(body, &item->n) == -1)
		return -1;
	item->c = *body;
	return 1;
}

static int take_text(struct cursor *c, size_t len, struct box_entry *e)
{
	uint8_t n = (uint8_t)len;

	if (len == 0 && cur_u8(c, &n) == -1)
		return -1;
	e->len = n;
	return cur_bytes(c, n, &e->text);
}

int boxitem_next(struct box_item *item, struct box_entry *e)
{
	unsigned shape = shape_of(item->what);
	struct cursor *c = &item->c;
	uint64_t saved = 0;

	if (item->n == 0)
		return 0;
	item->n--;
	*e = (struct box_entry){0};
	if (((shape & UID) && cur_u32(c, &e->uid) == -1) ||
	    ((shape & HI) && cur_u32(c, &e->hi) == -1) ||
	    ((shape & FLAGS) && cur_u8(c, &e->flags) == -1) ||
	    ((shape & E_MODSEQ) && cur_u64(c, &e->modseq) == -1) ||
	    ((shape & E_SAVED) && cur_u64(c, &saved) == -1) ||
	    ((shape & KEYWORDS) && cur_u64(c, &e->keywords) == -1) ||
	    ((shape & TEXT) && take_text(c, 0, e) == -1) ||
	    ((shape & BOOT) && take_text(c, BOOT_LEN, e) == -1) ||
	    ((shape & TIMES) && take_text(c, TIMES_LEN, e) == -1))
		return -1;
	e->saved = (int64_t)saved;
	e->in_new = (e->flags & ITEM_IN_NEW) != 0;
	e->flags &= (uint8_t)~ITEM_IN_NEW;
	return 1;
}

int boxitem_begin(struct sbuf *b, char what, uint64_t modseq, int64_t saved, size_t *mark)
{
	unsigned shape = shape_of(what);

	if (put_u8(b, (uint8_t)what) == -1 ||
	    ((shape & MODSEQ) && put_u64(b, modseq) == -1) ||
	    ((shape & SAVED) && put_u64(b, (uint64_t)saved) == -1))
		return -1;
	*mark = b->len;
	return put_u32(b, 0);
}

int boxitem_put(struct sbuf *b, char what, const struct box_entry *e)
{
	unsigned shape = shape_of(what);
	uint8_t flags = (uint8_t)(e->flags | (e->in_new ? ITEM_IN_NEW : 0));

	if (((shape & UID) && put_u32(b, e->uid) == -1) ||
	    ((shape & HI) && put_u32(b, e->hi) == -1) ||
	    ((shape & FLAGS) && put_u8(b, flags) == -1) ||
	    ((shape & E_MODSEQ) && put_u64(b, e->modseq) == -1) ||
	    ((shape & E_SAVED) && put_u64(b, (uint64_t)e->saved) == -1) ||
	    ((shape & KEYWORDS) && put_u64(b, e->keywords) == -1) ||
	    ((shape & TEXT) && put_u8(b, (uint8_t)e->len) == -1) ||
	    ((shape & (TEXT | BOOT | TIMES)) && sbuf_cat(b, e->text, e->len) == -1))
		return -1;
	return 0;
}

void boxitem_end(struct sbuf *b, size_t mark, uint32_t n)
{
	for (size_t i = 0; i < 4; i++)
		b->p[mark + i] = (char)(n >> 8 * (3 - i));
}
