/* RENAME of INBOX: its messages move into a new folder, and it stays (RFC 9051 6.3.6). */
#include <errno.h>
#include <stdlib.h>

#include "maildir/box.h"
#include "maildir/store_int.h"

static int move_messages(struct box *b, int to)
{
	uint32_t *at = calloc(b->count > 0 ? b->count : 1, sizeof *at);
	struct box_copied done;
	int r = 0;

	if (at == NULL)
		return -1;
	for (size_t i = 0; i < b->count; i++)
		at[i] = (uint32_t)i;
	if (b->count > 0)
		r = box_copy(b, at, b->count, to, 1, &done);
	free(at);
	return r;
}

static int empty_inbox(const struct store *s, int to)
{
	int inbox = store_open_dir(s->root, ".");
	struct box b;
	int r;

	if (inbox == -1)
		return -1;
	if (box_open(&b, inbox, BOX_CLAIM | BOX_MAKE) == -1) {
		store_unlock(inbox);
		return -1;
	}
	r = move_messages(&b, to);
	box_close(&b);
	return r;
}

/* The client hears NO. Who has filled the folder meanwhile keeps it. */
static void take_back(const struct store *s, const char *name, int dir)
{
	int e = errno;
	int made = dir != -1 ? dir : folder_open(s, name);
	int lock = made != -1 ? store_lock(s) : -1;
	char disk[STORE_NAME + 1];

	if (lock != -1 && store_find(s, name, disk) == 0)
		store_remove_unused(s, disk, made);
	store_unlock(lock);
	if (made != dir)
		store_unlock(made);
	errno = e;
}

int store_rename_inbox(const struct store *s, const char *to)
{
	int dir;
	int r;

	if (folder_create(s, to, 0) == -1)
		return -1;
	dir = folder_open(s, to);
	r = dir != -1 ? empty_inbox(s, dir) : -1;
	if (r == -1)
		take_back(s, to, dir);
	store_unlock(dir);
	return r;
}
