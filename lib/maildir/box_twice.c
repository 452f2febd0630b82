/* Two files of one base, in one look. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "maildir/box_int.h"

static int by_ordinal(const void *a, const void *b)
{
	const struct box_seen *x = a;
	const struct box_seen *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

static int stat_of(const struct box *b, int in_new, const char *name, struct stat *st)
{
	return fstatat(in_new ? b->new_ : b->cur, name, st, AT_SYMLINK_NOFOLLOW);
}

/* One may be the other's name of a moment ago, or a link on its way. */
static enum box_twice which(const struct box *box, int in_new, const char *name,
			    int second_in_new, const char *second)
{
	struct stat a;
	struct stat b;

	if (stat_of(box, second_in_new, second, &b) == -1)
		return BOX_FIRST;
	if (stat_of(box, in_new, name, &a) == -1)
		return BOX_SECOND;
	return a.st_ino == b.st_ino && a.st_dev == b.st_dev ? BOX_FIRST : BOX_BOTH;
}

enum box_twice boxtwice(const struct box *b, const struct box_look *l,
			const struct box_seen *first, const struct box_seen *second)
{
	return which(b, first->in_new, l->names.p + first->name, second->in_new,
		     l->names.p + second->name);
}

/* How much is it the file that the list knows? The flags may be others' work of this moment;
 * from cur/ to new/ nobody moves. */
static int likeness(const struct msg *m, const struct box_look *l,
		    const struct box_seen *s)
{
	int same_dir = ((m->state & MSG_NEW) != 0) == s->in_new;

	return same_dir + (same_dir && strcmp(m->name, l->names.p + s->name) == 0);
}

/* The base is used again: the uid stays with the file that had it. */
static int both(const struct msg *m, struct box_look *l, struct box_seen *first,
		const struct box_seen *second)
{
	struct box_seen was;

	if (first == NULL || likeness(m, l, first) >= likeness(m, l, second))
		return boxlook_keep(&l->twice, *second);
	was = *first;
	*first = *second;
	return boxlook_keep(&l->twice, was);
}

/* Another message stays in twice. */
static int judge(struct box *box, struct box_look *l, struct box_seen second)
{
	struct msg *msg = boxlist_at(&box_state(box)->list, second.at);
	struct box_seen *other = l->renamed.n == 0
				     ? NULL
				     : bsearch(&second, l->renamed.p, l->known_renamed,
					       sizeof second, by_ordinal);

	if (msg == NULL)
		return -1;
	switch (other != NULL ? boxtwice(box, l, other, &second)
			      : which(box, (msg->state & MSG_NEW) != 0, msg->name,
				      second.in_new, l->names.p + second.name)) {
	case BOX_SECOND:
		l->flags = 1;
		if (other == NULL)
			return boxlook_keep(&l->renamed, second);
		*other = second;
		return 0;
	case BOX_BOTH:
		return both(msg, l, other, &second);
	default:
		return 0;
	}
}

int boxlook_judge(struct box *b, struct box_look *l)
{
	struct box_seens twice = l->twice;
	int r = 0;

	if (twice.n == 0)
		return 0;
	l->twice = (struct box_seens){0};
	l->known_renamed = l->renamed.n;
	if (l->renamed.n > 0)
		qsort(l->renamed.p, l->renamed.n, sizeof *l->renamed.p, by_ordinal);
	for (size_t i = 0; i < twice.n && r == 0; i++)
		r = judge(b, l, twice.p[i]);
	free(twice.p);
	return r;
}
