#include "stamps.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "paths.h"

/* All that config.c reads, in one directory. What is not there is not looked for each time:
 * the directory changes when it comes. */
static const char *const names[] = {"me", "smtpgreeting", "localiphost", "rcpthosts",
				    "locals", "databytes", "maxrcpt", "nodsn", "expn",
				    "morercpthosts.cdb", "timeoutsmtpd", "badmailfrom",
				    "aliases.cdb", "relaykeys.cdb",
				    /* submission */
				    "idhost", "senders.cdb", "hideclient"};

enum { COUNT = sizeof names / sizeof *names, OF_SUBMISSION = 3 };

struct stamp {
	int missing; /* errno */
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec changed; /* ctime: nobody sets it */
};

static struct {
	struct stamp dir;
	struct stamp stamp[COUNT];
	char path[COUNT][LIMIT_PATH];
	size_t n;
	int is_young;
	int asked;
} taken;

static struct stamp look(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return (struct stamp){.missing = errno};
	return (struct stamp){0, st.st_dev, st.st_ino, st.st_size, st.st_ctim};
}

static int is_same(const struct stamp *a, const struct stamp *b)
{
	return a->missing == b->missing && a->dev == b->dev && a->ino == b->ino &&
	       a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

static int has_changed(const char *path, const struct stamp *before)
{
	struct stamp now = look(path);

	return !is_same(&now, before);
}

static int is_young(const struct stamp *s, time_t now)
{
	return !s->missing && s->changed.tv_sec >= now - STAMPS_YOUNG_S;
}

/* Not a link either, whose end may come in another directory. */
static int is_absent(const struct stamp *s, const char *path)
{
	struct stat st;

	return s->missing == ENOENT && lstat(path, &st) == -1 && errno == ENOENT;
}

int stamps_take(int submission)
{
	time_t now = time(NULL);

	taken.n = submission ? COUNT : COUNT - OF_SUBMISSION;
	taken.asked = 0;
	taken.dir = look(paths.control); /* before the files */
	taken.is_young = is_young(&taken.dir, now);
	for (size_t i = 0; i < taken.n; i++) {
		struct stamp *s = &taken.stamp[i];

		if (path_join(taken.path[i], sizeof taken.path[i], paths.control,
			      names[i]) == NULL)
			return -1;
		*s = look(taken.path[i]);
		taken.is_young |= is_young(s, now);
		if (is_absent(s, taken.path[i]))
			taken.path[i][0] = '\0';
	}
	return 0;
}

int stamps_have_changed(void)
{
	if (taken.is_young && taken.asked)
		return 1;
	taken.asked = 1;
	if (has_changed(paths.control, &taken.dir))
		return 1;
	for (size_t i = 0; i < taken.n; i++)
		if (taken.path[i][0] != '\0' &&
		    has_changed(taken.path[i], &taken.stamp[i]))
			return 1;
	return 0;
}
