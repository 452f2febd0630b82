/* Names of the messages of a block: slots one behind another, with room for flags. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/box_int.h"

enum { SLACK = 9, NAMES_MAX = BLOCK * (MSG_NAME + 2) * 4 }; /* ":2," and six letters */

static int grow_names(struct box_block *b, size_t more)
{
	size_t room = b->names_room == 0 ? BLOCK * 64 : b->names_room;
	char *p;

	if (b->names_len + more <= b->names_room)
		return 0;
	while (room < b->names_len + more)
		room *= 2;
	if (room > NAMES_MAX) {
		errno = ENOMEM;
		return -1;
	}
	p = malloc(room);
	if (p == NULL)
		return -1;
	if (b->names_len > 0)
		memcpy(p, b->names, b->names_len);
	for (size_t i = 0; i < b->n; i++)
		b->m[i].name = p + (b->m[i].name - b->names);
	free(b->names);
	b->names = p;
	b->names_room = (uint32_t)room;
	return 0;
}

/* A slot with room for all flags: most changes of flags stay in place. */
const char *boxnames_add(struct box_block *b, const char *name)
{
	size_t len = strlen(name);
	size_t room = len + SLACK < MSG_NAME ? len + SLACK : MSG_NAME;
	char *slot;

	if (len > MSG_NAME || grow_names(b, room + 2) == -1)
		return NULL;
	slot = b->names + b->names_len;
	slot[0] = (char)room;
	memcpy(slot + 1, name, len);
	memset(slot + 1 + len, 0, room + 1 - len);
	b->names_len += (uint32_t)room + 2;
	return slot + 1;
}

/* Slots that names have left are given back. */
static int pack_names(struct box_block *b)
{
	char *old = b->names;
	char *p = malloc(b->n * (size_t)(MSG_NAME + 2));

	if (p == NULL)
		return -1;
	b->names = p;
	b->names_len = 0;
	b->names_room = b->n * (MSG_NAME + 2);
	for (size_t i = 0; i < b->n; i++)
		b->m[i].name = boxnames_add(b, b->m[i].name);
	free(old);
	return 0;
}

int boxlist_set_name(struct box_list *l, size_t i, const char *name)
{
	struct msg *m = boxlist_change(l, i);
	struct box_block *b = boxlist_which(l, i);
	size_t len = strlen(name);
	char *slot;
	const char *added;

	if (m == NULL || len > MSG_NAME)
		return -1;
	slot = b->names + (m->name - b->names);
	if (len <= (uint8_t)slot[-1]) {
		memmove(slot, name, len + 1);
		return 0;
	}
	if (b->names_len > NAMES_MAX / 2 && pack_names(b) == -1)
		return -1;
	added = boxnames_add(b, name);
	if (added == NULL)
		return -1;
	boxlist_at(l, i)->name = added;
	return 0;
}
