/* POP3's UIDLs that were taken over: read from the log when somebody asks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/box_int.h"

struct box_uidls {
	struct uidl {
		uint32_t uid;
		char text[71];
	} * p;
	size_t n, room;
};

static int collect(void *arg, struct box_item item)
{
	struct box_uidls *u = arg;
	struct box_entry e;

	while (item.what == 'U' && boxitem_next(&item, &e) == 1) {
		if (u->n == u->room) {
			size_t room = u->room == 0 ? 64 : u->room * 2;
			struct uidl *p = reallocarray(u->p, room, sizeof *p);

			if (p == NULL)
				return -1;
			u->p = p;
			u->room = room;
		}
		u->p[u->n].uid = e.uid;
		memcpy(u->p[u->n].text, e.text, e.len);
		u->p[u->n++].text[e.len] = '\0';
	}
	return 0;
}

static int by_uid(const void *a, const void *b)
{
	const struct uidl *x = a;
	const struct uidl *y = b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

int boxuidl_read(int dir, struct box_uidls **out)
{
	struct box_uidls *u = calloc(1, sizeof *u);
	struct box_log l;
	unsigned news;
	int r = -1;

	if (u == NULL)
		return -1;
	if (boxlog_open(&l, dir) == 0) {
		r = boxlog_read(&l, collect, u, &news);
		boxlog_close(&l);
	}
	if (r == -1) {
		boxuidl_free(u);
		return -1;
	}
	if (u->n > 0)
		qsort(u->p, u->n, sizeof *u->p, by_uid);
	*out = u;
	return 0;
}

void boxuidl_free(struct box_uidls *u)
{
	if (u != NULL)
		free(u->p);
	free(u);
}

const char *boxuidl_find(const struct box_uidls *u, uint32_t uid)
{
	struct uidl key = {.uid = uid};
	const struct uidl *at =
	    u->n == 0 ? NULL : bsearch(&key, u->p, u->n, sizeof key, by_uid);

	return at == NULL ? NULL : at->text;
}

int box_uidl(struct box *b, size_t i, char out[71])
{
	struct box_state *s = box_state(b);
	struct msg *m = box_at(b, i);
	const char *text;

	if (m == NULL || !s->log.has_uidl ||
	    (s->uidls == NULL && boxuidl_read(b->dir, &s->uidls) == -1))
		return 0;
	text = boxuidl_find(s->uidls, m->uid);
	if (text == NULL)
		return 0;
	memcpy(out, text, strlen(text) + 1);
	return 1;
}
