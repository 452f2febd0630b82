#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "maildir/watch_int.h"

/* A file system's clock stands still for up to this long: what is younger may still change
 * without another time. */
#define SETTLED_NS (2ULL * 1000000000U)

static int is_young(const struct timespec *t)
{
	uint64_t now = clock_wall_ns();
	uint64_t then = (uint64_t)t->tv_sec * 1000000000U + (uint64_t)t->tv_nsec;

	return t->tv_sec >= 0 && then + SETTLED_NS > now;
}

int watch_look(struct watch_folder *f)
{
	static const char *const names[WATCH_PARTS] = {"new", "cur", WATCH_LOG};
	struct seen now;
	int changed;
	int young = 0;

	memset(&now, 0, sizeof now);
	for (int i = 0; i < WATCH_PARTS; i++) {
		struct stat st;

		if (fstatat(f->dir, names[i], &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		now.time[i] = st.st_mtim;
		now.ino[i] = st.st_ino;
		if (i == WATCH_PARTS - 1)
			now.size = st.st_size;
		young |= is_young(&st.st_mtim);
	}
	changed = memcmp(&now, &f->seen, sizeof now) != 0;
	f->seen = now;
	return changed || young;
}
