#include "maildir/watch_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "clock.h"

enum { LOOK_MS = 1000, BUFFER = 16384 };
/* The folder itself comes last: its events count for one name in it. */
static const char *const parts[WATCH_PARTS] = {"new", "cur", "."};
#define PART_MASK                                                               \
	(IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | \
	 IN_ONLYDIR | IN_DONT_FOLLOW)
#define SELF_MASK \
	(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR)

void watch_init(struct watch *w)
{
	*w = (struct watch){.fd = -1};
}

static void look_at_all(struct watch *w)
{
	int64_t now = clock_mono_ms();

	if (now - w->looked < LOOK_MS)
		return;
	w->looked = now;
	for (unsigned i = 0; i < w->n; i++)
		if (watch_is_looking(&w->folder[i]) && watch_look(&w->folder[i]))
			w->folder[i].changed = 1;
}

/* ---- by inotify ---- */

/* Another folder of the list may be the same directory: then they share the watch. */
static int is_shared(const struct watch *w, const struct watch_folder *f, int wd)
{
	for (unsigned i = 0; i < w->n; i++)
		for (int k = 0; k < WATCH_PARTS; k++)
			if (&w->folder[i] != f && w->folder[i].dir != -1 &&
			    w->folder[i].wd[k] == wd)
				return 1;
	return 0;
}

static void forget(struct watch *w, struct watch_folder *f)
{
	for (int i = 0; i < WATCH_PARTS; i++) {
		if (f->wd[i] != -1 && w->fd != -1 && !is_shared(w, f, f->wd[i]))
			(void)inotify_rm_watch(w->fd, f->wd[i]);
		f->wd[i] = -1;
	}
}

/* Names relative to the working directory: no path is known here, and where a service runs
 * there may be no /proc. */
static int watch_parts(struct watch *w, struct watch_folder *f)
{
	for (int i = 0; i < WATCH_PARTS; i++) {
		f->wd[i] = inotify_add_watch(w->fd, parts[i],
					     i < WATCH_PARTS - 1 ? PART_MASK : SELF_MASK);
		if (f->wd[i] == -1) {
			forget(w, f);
			return -1;
		}
	}
	return 0;
}

static int watch_in(struct watch *w, struct watch_folder *f)
{
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = -1;

	if (here == -1)
		return -1;
	if (fchdir(f->dir) == 0) {
		r = watch_parts(w, f);
		if (fchdir(here) == -1)
			r = -1;
	}
	(void)close(here);
	return r;
}

static void start(struct watch *w, struct watch_folder *f)
{
	if (w->fd == -1)
		w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd == -1 || watch_in(w, f) == -1)
		forget(w, f);
}

/* Does the event say anything of folder f? */
static int concerns(const struct watch_folder *f, const struct inotify_event *e)
{
	if (f->dir == -1 || watch_is_looking(f))
		return 0;
	if (e->mask & IN_Q_OVERFLOW || e->wd == f->wd[0] || e->wd == f->wd[1])
		return 1;
	return e->wd == f->wd[2] && (e->len == 0 || strcmp(e->name, WATCH_LOG) == 0);
}

static void hear(struct watch *w, const struct inotify_event *e)
{
	for (unsigned i = 0; i < w->n; i++) {
		struct watch_folder *f = &w->folder[i];

		if (!concerns(f, e))
			continue;
		f->changed = 1;
		/* the kernel has taken the watch away: the directory is gone */
		if (e->mask & (IN_IGNORED | IN_UNMOUNT))
			forget(w, f);
	}
}

/* 1: something was read. */
static int read_events(struct watch *w)
{
	_Alignas(struct inotify_event) char buf[BUFFER];
	ssize_t n = w->fd != -1 ? read(w->fd, buf, sizeof buf) : -1;

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(buf + at);

		hear(w, e);
		at += (ssize_t)(sizeof *e + e->len);
	}
	return n > 0;
}

/* ---- the list ---- */

static struct watch_folder *free_place(struct watch *w)
{
	struct watch_folder *more;

	for (unsigned i = 0; i < w->n; i++)
		if (w->folder[i].dir == -1)
			return &w->folder[i];
	if (w->n == WATCH_MAX) {
		errno = ENOSPC;
		return NULL;
	}
	more = realloc(w->folder, (w->n + 1) * sizeof *more);
	if (more == NULL)
		return NULL;
	w->folder = more;
	return &w->folder[w->n++];
}

/* It counts as changed at first: what happened before the watch began was not seen. */
int watch_add(struct watch *w, int dir)
{
	struct watch_folder *f = free_place(w);

	if (f == NULL)
		return -1;
	*f = (struct watch_folder){.dir = dir, .wd = {-1, -1, -1}, .changed = 1};
	start(w, f);
	if (watch_is_looking(f))
		(void)watch_look(f);
	return (int)(f - w->folder);
}

/* Without a folder no instance is held: a user has 128 of them. */
void watch_remove(struct watch *w, int id)
{
	if (id < 0 || (unsigned)id >= w->n)
		return;
	forget(w, &w->folder[id]);
	w->folder[id].dir = -1;
	while (w->n > 0 && w->folder[w->n - 1].dir == -1)
		w->n--;
	if (w->n == 0)
		watch_close(w);
}

void watch_close(struct watch *w)
{
	if (w->fd != -1)
		(void)close(w->fd);
	free(w->folder);
	watch_init(w);
}

/* ---- asking ---- */

static int next_changed(struct watch *w)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->folder[i].dir != -1 && w->folder[i].changed)
			return (int)i;
	return -1;
}

int watch_timeout(const struct watch *w)
{
	int looking = 0;

	for (unsigned i = 0; i < w->n; i++) {
		if (w->folder[i].dir != -1 && w->folder[i].changed)
			return 0;
		looking |= watch_is_looking(&w->folder[i]);
	}
	return looking ? clock_left_ms(w->looked + LOOK_MS) : -1;
}

int watch_next(struct watch *w)
{
	int id;

	while (read_events(w))
		;
	look_at_all(w);
	id = next_changed(w);
	if (id != -1)
		w->folder[id].changed = 0;
	return id;
}
