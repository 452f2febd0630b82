/* What records say to the log itself: counters, the lease, names of keywords. Items are
 * checked here, before anybody else sees them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/box_int.h"

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

/* BASE,FIELDS, without flags. */
static int is_name(const struct box_entry *e)
{
	return msg_name_base(e->text, e->len) != 0;
}

static int take_start(struct box_log *l, const struct box_item *item,
		      const struct box_entry *e)
{
	(void)item;
	if (l->uidvalidity != 0 || e->uid == 0 || e->hi == 0)
		return bad();
	l->uidvalidity = e->uid;
	l->uidnext = e->hi;
	l->modseq = e->modseq;
	l->floor = e->keywords;
	return 0;
}

static int take_assigned(struct box_log *l, const struct box_item *item,
			 const struct box_entry *e)
{
	(void)item;
	if (e->uid < l->uidnext || e->uid == UINT32_MAX || !is_name(e))
		return bad();
	l->uidnext = e->uid + 1;
	return 0;
}

static int take_message(struct box_log *l, const struct box_item *item,
			const struct box_entry *e)
{
	(void)item;
	if (e->uid <= l->last || e->uid >= l->uidnext || !is_name(e))
		return bad();
	l->last = e->uid;
	return 0;
}

static int take_run(struct box_log *l, const struct box_item *item,
		    const struct box_entry *e)
{
	(void)item;
	return e->uid == 0 || e->uid > e->hi || e->hi >= l->uidnext ? bad() : 0;
}

static int take_word(struct box_log *l, const struct box_item *item,
		     const struct box_entry *e)
{
	char *name;

	(void)item;
	if (e->uid >= BOX_KEYWORDS || e->len == 0 || e->len > BOX_KEYWORD ||
	    memchr(e->text, '\0', e->len) != NULL)
		return bad();
	name = strndup(e->text, e->len);
	if (name == NULL)
		return -1;
	free(l->words.name[e->uid]);
	l->words.name[e->uid] = name;
	return 0;
}

static int take_lease(struct box_log *l, const struct box_item *item,
		      const struct box_entry *e)
{
	(void)item;
	l->lease = e->keywords;
	memcpy(l->lease_boot, e->text, BOOT_LEN);
	return 0;
}

static int take_uidl(struct box_log *l, const struct box_item *item,
		     const struct box_entry *e)
{
	(void)item;
	l->has_uidl = 1;
	return e->len == 0 || e->len > 70 ? bad() : 0;
}

static int take_other(struct box_log *l, const struct box_item *item,
		      const struct box_entry *e)
{
	(void)l;
	(void)item;
	(void)e;
	return 0;
}

typedef int taker(struct box_log *l, const struct box_item *item,
		  const struct box_entry *e);

static taker *taker_of(char what)
{
	static const struct {
		char what;
		taker *take;
	} table[] = {{'S', take_start}, {'A', take_assigned}, {'M', take_message},
		     {'X', take_run},   {'W', take_word},     {'L', take_lease},
		     {'U', take_uidl}};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (table[i].what == what)
			return table[i].take;
	return take_other;
}

int boxlog_apply(struct box_log *l, const char *body, size_t n, boxlog_take *take,
		 void *arg)
{
	struct cursor c;
	struct box_item item;
	int r;

	cur_init(&c, body, n);
	while ((r = boxitem_take(&c, &item)) == 1) {
		struct box_item all = item;
		taker *own = taker_of(item.what);
		struct box_entry e;

		if (l->uidvalidity == 0 && item.what != 'S')
			return bad();
		while ((r = boxitem_next(&all, &e)) == 1)
			if (own(l, &item, &e) == -1)
				return -1;
		if (r == -1)
			return -1;
		c = all.c;
		if (item.modseq > l->modseq)
			l->modseq = item.modseq;
		if (take != NULL && take(arg, item) == -1)
			return -1;
	}
	return r;
}

void boxlog_words_free(struct box_words *w)
{
	for (size_t i = 0; i < BOX_KEYWORDS; i++) {
		free(w->name[i]);
		w->name[i] = NULL;
	}
}
