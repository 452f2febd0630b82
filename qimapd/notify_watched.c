#include "notify_watched.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notify.h"
#include "session.h"
#include "status.h"

enum {
	ITEMS = STATUS_MESSAGES | STATUS_UIDNEXT | STATUS_UIDVALIDITY | STATUS_UNSEEN |
		STATUS_HIGHESTMODSEQ
};

struct watched {
	int id, dir;
	int is_changed;
	char *name;
	struct status told;
};

static struct watched *all;
static size_t nall;

void watched_end(void)
{
	for (size_t i = 0; i < nall; i++) {
		watch_remove(watching(), all[i].id);
		(void)close(all[i].dir);
		free(all[i].name);
	}
	free(all);
	all = NULL;
	nall = 0;
}

static int watch_one(struct watched *w, const char *name)
{
	w->name = strdup(name);
	w->dir = w->name != NULL ? folder_open(&session.store, name) : -1;
	w->id = w->dir != -1 ? watch_add(watching(), w->dir) : -1;
	if (w->id != -1) {
		if (status_get(name, ITEMS, &w->told) == -1)
			w->told = (struct status){{0}};
		return 0;
	}
	if (w->dir != -1)
		(void)close(w->dir);
	free(w->name);
	return -1;
}

int watched_begin(const struct folders *known, const struct notify_set *want)
{
	all = calloc(WATCHED_MAX, sizeof *all);
	if (all == NULL)
		return -1;
	for (size_t i = 0; i < known->n; i++) {
		const struct folder *f = &known->folder[i];

		if (!(f->bits & FOLDER_EXISTS) ||
		    !(notify_set_events(want, f) & EVENTS_MESSAGE))
			continue;
		if (nall == WATCHED_MAX)
			return -1;
		if (watch_one(&all[nall], f->name) == 0)
			nall++;
		else if (folder_is_there(f->name))
			return -1;
	}
	return 0;
}

static int is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* -1: it cannot be watched any more. What is new of it is told. */
static int renew(struct watched *w)
{
	int dir = folder_open(&session.store, w->name);

	if (dir == -1 || is_same(dir, w->dir)) {
		if (dir != -1)
			(void)close(dir);
		return 0;
	}
	watch_remove(watching(), w->id);
	(void)close(w->dir);
	w->dir = dir;
	w->id = watch_add(watching(), dir);
	w->is_changed = 1;
	return w->id == -1 ? -1 : 0;
}

int watched_renew(void)
{
	for (size_t i = 0; i < nall; i++)
		if (renew(&all[i]) == -1)
			return -1;
	watched_tell();
	return 0;
}

void watched_changed(int id)
{
	for (size_t i = 0; i < nall; i++)
		if (all[i].id == id)
			all[i].is_changed = 1;
}

static int is_open(const char *name)
{
	return session.state == ST_SELECTED && name != NULL &&
	       strcmp(session.folder, name) == 0;
}

void watched_tell(void)
{
	for (size_t i = 0; i < nall; i++) {
		struct status now = {{0}};

		if (!all[i].is_changed)
			continue;
		all[i].is_changed = 0;
		if (status_get(all[i].name, ITEMS, &now) == -1 ||
		    memcmp(&now, &all[i].told, sizeof now) == 0)
			continue;
		all[i].told = now;
		if (!is_open(all[i].name))
			status_put(all[i].name, ITEMS, &now);
	}
}

void watched_tell_all(void)
{
	for (size_t i = 0; i < nall; i++)
		if (!is_open(all[i].name))
			status_put(all[i].name, ITEMS, &all[i].told);
}

size_t watched_held(struct names_held out[WATCHED_MAX])
{
	for (size_t i = 0; i < nall; i++)
		out[i] = (struct names_held){all[i].name, all[i].dir};
	return nall;
}
