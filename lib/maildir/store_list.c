#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "maildir/listing.h"

int listing_add(struct listing *l, struct sbuf *to, const char *name, size_t n,
		unsigned bits)
{
	struct entry e = {(uint32_t)l->names.len, bits};

	if (sbuf_cat(&l->names, name, n) == -1 || sbuf_catc(&l->names, '\0') == -1)
		return -1;
	return sbuf_cat(to, &e, sizeof e);
}

/* ---- the directory ---- */

static void hide(struct listing *l, const char *disk)
{
	if (l->hidden++ == 0)
		(void)snprintf(l->first_hidden, sizeof l->first_hidden, "%s", disk);
}

static void see_own(struct listing *l, const char *name)
{
	if (strcmp(name, STORE_RENAME) == 0)
		l->unfinished = 1;
	else if (strncmp(name, STORE_GONE, sizeof STORE_GONE - 1) == 0 ||
		 strncmp(name, STORE_NEW, sizeof STORE_NEW - 1) == 0)
		l->litter = 1;
}

static int see(struct listing *l, int root, const struct dirent *e)
{
	char name[FOLDER_NAME + 1];

	if (e->d_name[0] != '.') {
		see_own(l, e->d_name);
		return 0;
	}
	if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
	    !store_is_dir(root, e))
		return 0;
	if (l->n == STORE_FOLDERS || store_from_disk(name, e->d_name) == -1) {
		hide(l, e->d_name);
		return 0;
	}
	l->n++;
	return listing_add(l, &l->entries, name, strlen(name), FOLDER_EXISTS);
}

static int scan(struct listing *l, const struct store *s)
{
	DIR *d = store_read_dir(s->root, ".");
	struct dirent *e;
	int r = 0;

	if (d == NULL)
		return -1;
	sbuf_clear(&l->names);
	sbuf_clear(&l->entries);
	l->n = l->hidden = 0;
	l->unfinished = l->litter = 0;
	r = listing_add(l, &l->entries, "INBOX", 5, FOLDER_EXISTS);
	errno = 0;
	while (r == 0 && (e = readdir(d)) != NULL) {
		r = see(l, s->root, e);
		if (r == 0)
			errno = 0;
	}
	if (errno != 0)
		r = -1;
	r = r == -1 ? errno : 0;
	(void)closedir(d);
	errno = r;
	return r != 0 ? -1 : 0;
}

int listing_scan(struct listing *l, const struct store *s)
{
	int lock;
	int r = scan(l, s);

	if (r == -1 || !(l->unfinished || l->litter))
		return r;
	lock = store_lock(s);
	if (lock == -1)
		return 0;
	if (l->litter)
		store_purge(s, 1);
	if (l->unfinished && store_repair(s) == 0)
		r = scan(l, s);
	store_unlock(lock);
	return r;
}
