/* quoin-rename says what is meant ("FROM\nTO\n") before the first of the renames (a folder
 * and those below it, and what it is used for) and until after the last: whoever meets it with
 * the lock free goes on with what a killed process left. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "maildir/store_int.h"
#include "sbuf.h"

enum { WISH_MAX = 2 * FOLDER_NAME + 2, MOVES_MAX = STORE_FOLDERS * (STORE_NAME + 1) };

/* ---- one directory after another ---- */

/* The directories that have the name from or one below it, NUL-ended one after another. */
static int collect(const struct store *s, const char *from, struct sbuf *list)
{
	DIR *d = store_read_dir(s->root, ".");
	char name[FOLDER_NAME + 1];
	struct dirent *e;
	int r = 0;

	if (d == NULL)
		return -1;
	errno = 0;
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (store_from_disk(name, e->d_name) == 0 && store_is_below(name, from) &&
		    store_is_dir(s->root, e))
			r = sbuf_catz(list, e->d_name);
		if (r == 0)
			errno = 0;
	}
	r = errno;
	(void)closedir(d);
	errno = r;
	return r != 0 ? -1 : 0;
}

/* Where disk goes when from becomes to. */
static int target(char out[STORE_NAME + 1], const char *disk, const char *from,
		  const char *to)
{
	char name[FOLDER_NAME + 1];
	char joined[2 * FOLDER_NAME + 1];
	char canon[FOLDER_NAME + 1];

	if (store_from_disk(name, disk) == -1)
		return -1;
	(void)snprintf(joined, sizeof joined, "%s%s", to, name + strlen(from));
	if (folder_canon(canon, joined, strlen(joined)) == -1)
		return -1;
	return store_to_disk(out, canon);
}

/* All targets are names, and free. */
static int check_targets(const struct store *s, const struct sbuf *list, const char *from,
			 const char *to)
{
	char name[FOLDER_NAME + 1];
	char disk[STORE_NAME + 1];

	for (size_t at = 0; at < list->len; at += strlen(list->p + at) + 1) {
		if (target(disk, list->p + at, from, to) == -1 ||
		    store_from_disk(name, disk) == -1)
			return -1;
		if (store_find(s, name, disk) == 0)
			errno = EEXIST;
		if (errno != ENOENT)
			return -1;
	}
	return 0;
}

/* A target that is there now was made meanwhile: both stay, nothing is lost. */
static int move_all(const struct store *s, const struct sbuf *list, const char *from,
		    const char *to)
{
	char disk[STORE_NAME + 1];

	for (size_t at = 0; at < list->len; at += strlen(list->p + at) + 1)
		if (target(disk, list->p + at, from, to) == 0 &&
		    store_move(s->root, list->p + at, disk) == -1 && errno != EEXIST &&
		    errno != ENOTEMPTY && errno != ENOENT)
			return -1;
	return fsync(s->root);
}

/* ---- the wish ---- */

static int wish_write(const struct store *s, const char *from, const char *to)
{
	struct sbuf b = SBUF_INIT(WISH_MAX);
	int r = sbuf_catf(&b, "%s\n%s\n", from, to);

	if (r == 0)
		r = store_write_file(s->root, STORE_RENAME, &b);
	sbuf_free(&b);
	return r;
}

static int wish_end(const struct store *s)
{
	return unlinkat(s->root, STORE_RENAME, 0) == -1 && errno != ENOENT
		   ? -1
		   : fsync(s->root);
}

/* Both names, or -1: a file that we did not write. */
static int wish_take(struct sbuf *b, char from[FOLDER_NAME + 1], char to[FOLDER_NAME + 1])
{
	char *end = memchr(b->p, '\n', b->len);
	size_t n = end != NULL ? (size_t)(end - b->p) : b->len;

	if (end == NULL || b->p[b->len - 1] != '\n' || b->len < n + 3)
		return -1;
	if (folder_canon(from, b->p, n) == -1)
		return -1;
	return folder_canon(to, end + 1, b->len - n - 2);
}

static int go_on(const struct store *s, const char *from, const char *to)
{
	struct sbuf list = SBUF_INIT(MOVES_MAX);
	int r = collect(s, from, &list);

	if (r == 0)
		r = move_all(s, &list, from, to);
	if (r == 0)
		r = store_move_uses(s, from, to);
	sbuf_free(&list);
	return r;
}

int store_repair(const struct store *s)
{
	struct sbuf b = SBUF_INIT(WISH_MAX);
	char from[FOLDER_NAME + 1];
	char to[FOLDER_NAME + 1];
	int r = store_read_file(&b, s->root, STORE_RENAME);

	if (r == 1) {
		r = b.len > 0 && wish_take(&b, from, to) == 0 ? go_on(s, from, to) : 0;
		if (r == 0)
			r = wish_end(s);
	} else if (r == -1 && (errno == EINVAL || errno == EMSGSIZE || errno == ELOOP)) {
		r = 0; /* something foreign has this name */
	}
	sbuf_free(&b);
	return r;
}

/* ---- rename ---- */

/* The client hears NO: nobody shall go on with it later. What cannot be moved back goes on. */
static void take_back(const struct store *s, const struct sbuf *list, const char *from,
		      const char *to)
{
	int e = errno;
	int r = 0;
	char disk[STORE_NAME + 1];

	for (size_t at = 0; at < list->len; at += strlen(list->p + at) + 1)
		if (target(disk, list->p + at, from, to) == 0 &&
		    store_move(s->root, disk, list->p + at) == -1 && errno != ENOENT)
			r = -1;
	if (r == 0 && store_move_uses(s, to, from) == 0)
		(void)wish_end(s);
	errno = e;
}

static int rename_list(const struct store *s, const struct sbuf *list, const char *from,
		       const char *to)
{
	if (list->len == 0) {
		errno = ENOENT;
		return -1;
	}
	if (check_targets(s, list, from, to) == -1)
		return -1;
	if (wish_write(s, from, to) == -1 || move_all(s, list, from, to) == -1 ||
	    store_move_uses(s, from, to) == -1) {
		take_back(s, list, from, to);
		return -1;
	}
	(void)wish_end(s); /* all of it is done: who finds the wish has nothing to do */
	return 0;
}

static int rename_locked(const struct store *s, const char *from, const char *to)
{
	struct sbuf list = SBUF_INIT(MOVES_MAX);
	char disk[STORE_NAME + 1];
	int r = store_repair(s);

	if (r == 0 && store_find(s, to, disk) == 0) {
		errno = EEXIST;
		r = -1;
	}
	if (r == 0)
		r = collect(s, from, &list);
	if (r == 0)
		r = rename_list(s, &list, from, to);
	sbuf_free(&list);
	return r;
}

int folder_rename(const struct store *s, const char *from, const char *to)
{
	char a[FOLDER_NAME + 1];
	char b[FOLDER_NAME + 1];
	int lock;
	int r;

	if (folder_canon(a, from, strlen(from)) == -1 ||
	    folder_canon(b, to, strlen(to)) == -1)
		return -1;
	if (strcmp(a, "INBOX") == 0)
		return store_rename_inbox(s, b);
	if (strcmp(a, b) == 0 || strcmp(b, "INBOX") == 0) {
		errno = EEXIST;
		return -1;
	}
	/* what lies below it would come to lie above */
	if (store_is_below(a, b) || store_is_below(b, a)) {
		errno = EINVAL;
		return -1;
	}
	lock = store_lock(s);
	if (lock == -1)
		return -1;
	r = rename_locked(s, a, b);
	store_unlock(lock);
	return r;
}
