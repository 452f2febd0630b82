#include "maildir/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

enum { PARTS = 3, LOOK_MS = 1000, BUFFER = 16384 };
/* A file system's clock stands still for up to this long: what is younger may still change
 * without another time. */
#define SETTLED_NS (2ULL * 1000000000U)

static const char log_name[] = "quoin-uids";

/* The folder itself comes last: its events count for one name in it. */
static const char *const parts[PARTS] = {"new", "cur", "."};
#define PART_MASK                                                               \
	(IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | \
	 IN_ONLYDIR | IN_DONT_FOLLOW)
#define SELF_MASK \
	(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVE_SELF | IN_DELETE_SELF | IN_ONLYDIR)

struct seen {
	struct timespec time[PARTS];
	ino_t ino[PARTS];
	off_t size;
};

struct watch_folder {
	int dir;       /* -1: free */
	int wd[PARTS]; /* -1 each: by looking */
	int changed;
	struct seen seen;
};

void watch_init(struct watch *w)
{
	*w = (struct watch){.fd = -1};
}

/* ---- by looking ---- */

static int is_looking(const struct watch_folder *f)
{
	return f->dir != -1 && f->wd[0] == -1;
}

static int is_young(const struct timespec *t)
{
	uint64_t now = clock_wall_ns();
	uint64_t then = (uint64_t)t->tv_sec * 1000000000U + (uint64_t)t->tv_nsec;

	return t->tv_sec >= 0 && then + SETTLED_NS > now;
}

/* 1: it is not what it was, or may change without our seeing it. */
static int look(struct watch_folder *f)
{
	static const char *const names[PARTS] = {"new", "cur", log_name};
	struct seen now;
	int changed;
	int young = 0;

	memset(&now, 0, sizeof now);
	for (int i = 0; i < PARTS; i++) {
		struct stat st;

		if (fstatat(f->dir, names[i], &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		now.time[i] = st.st_mtim;
		now.ino[i] = st.st_ino;
		if (i == PARTS - 1)
			now.size = st.st_size;
		young |= is_young(&st.st_mtim);
	}
	changed = memcmp(&now, &f->seen, sizeof now) != 0;
	f->seen = now;
	return changed || young;
}

static void look_at_all(struct watch *w)
{
	int64_t now = clock_mono_ms();

	if (now - w->looked < LOOK_MS)
		return;
	w->looked = now;
	for (unsigned i = 0; i < w->n; i++)
		if (is_looking(&w->folder[i]) && look(&w->folder[i]))
			w->folder[i].changed = 1;
}

/* ---- by inotify ---- */

/* Another folder of the list may be the same directory: then they share the watch. */
static int is_shared(const struct watch *w, const struct watch_folder *f, int wd)
{
	for (unsigned i = 0; i < w->n; i++)
		for (int k = 0; k < PARTS; k++)
			if (&w->folder[i] != f && w->folder[i].dir != -1 &&
			    w->folder[i].wd[k] == wd)
				return 1;
	return 0;
}

static void forget(struct watch *w, struct watch_folder *f)
{
	for (int i = 0; i < PARTS; i++) {
		if (f->wd[i] != -1 && w->fd != -1 && !is_shared(w, f, f->wd[i]))
			(void)inotify_rm_watch(w->fd, f->wd[i]);
		f->wd[i] = -1;
	}
}

/* Names relative to the working directory: no path is known here, and where a service runs
 * there may be no /proc. */
static int watch_parts(struct watch *w, struct watch_folder *f)
{
	for (int i = 0; i < PARTS; i++) {
		f->wd[i] = inotify_add_watch(w->fd, parts[i],
					     i < PARTS - 1 ? PART_MASK : SELF_MASK);
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
	if (f->dir == -1 || is_looking(f))
		return 0;
	if (e->mask & IN_Q_OVERFLOW || e->wd == f->wd[0] || e->wd == f->wd[1])
		return 1;
	return e->wd == f->wd[2] && (e->len == 0 || strcmp(e->name, log_name) == 0);
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
	if (is_looking(f))
		(void)look(f);
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
		looking |= is_looking(&w->folder[i]);
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
