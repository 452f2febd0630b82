/* Names of keywords: they are given once, and stay. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "maildir/box_int.h"

const char *box_keyword(const struct box *b, unsigned bit)
{
	return bit < BOX_KEYWORDS ? b->words->name[bit] : NULL;
}

int boxwords_find(const struct box_words *w, const char *name)
{
	for (int i = 0; i < BOX_KEYWORDS; i++)
		if (w->name[i] != NULL && strcasecmp(w->name[i], name) == 0)
			return i;
	errno = ENOENT;
	return -1;
}

static int free_bit(const struct box_words *w)
{
	for (int i = 0; i < BOX_KEYWORDS; i++)
		if (w->name[i] == NULL)
			return i;
	errno = EMLINK;
	return -1;
}

/* A record of its own, not synced: it comes before any record that has the bit, and is
 * durable with that. */
int boxwords_make(struct box_log *l, boxlog_take *take, void *arg, const char *name)
{
	struct sbuf b = SBUF_INIT(1024);
	struct box_entry e = {.text = name, .len = strlen(name)};
	int bit = boxwords_find(&l->words, name);
	size_t mark;

	if (bit != -1)
		return bit;
	if (e.len == 0 || e.len > BOX_KEYWORD) {
		errno = EINVAL;
		return -1;
	}
	bit = free_bit(&l->words);
	if (bit == -1)
		return -1;
	e.uid = (uint32_t)bit;
	if (boxlog_begin(&b) == -1 || boxitem_begin(&b, 'W', 0, 0, &mark) == -1 ||
	    boxitem_put(&b, 'W', &e) == -1) {
		bit = -1;
	} else {
		boxitem_end(&b, mark, 1);
		if (boxlog_write(l, &b, 0, take, arg) == -1)
			bit = -1;
	}
	sbuf_free(&b);
	return bit;
}

int box_keyword_bit(struct box *b, const char *name, int make)
{
	struct box_log *l = &box_state(b)->log;
	int bit = boxwords_find(&l->words, name);

	if (bit != -1 || !make)
		return bit;
	if (boxsession_lock(b, NULL) == -1)
		return -1;
	bit = boxwords_make(l, boxapply, b, name);
	if (bit != -1 && boxlog_sync(l) == -1)
		bit = -1;
	boxlog_unlock(l);
	return bit;
}
