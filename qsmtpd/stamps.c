#include "stamps.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "paths.h"

/* All that config.c reads. */
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

int stamps_take(int submission)
{
	time_t now = time(NULL);

	taken.n = submission ? COUNT : COUNT - OF_SUBMISSION;
	taken.is_young = taken.asked = 0;
	for (size_t i = 0; i < taken.n; i++) {
		struct stamp *s = &taken.stamp[i];

		if (path_join(taken.path[i], sizeof taken.path[i], paths.control,
			      names[i]) == NULL)
			return -1;
		*s = look(taken.path[i]);
		taken.is_young |=
		    !s->missing && s->changed.tv_sec >= now - STAMPS_YOUNG_S;
	}
	return 0;
}

int stamps_have_changed(void)
{
	if (taken.is_young && taken.asked)
		return 1;
	taken.asked = 1;
	for (size_t i = 0; i < taken.n; i++) {
		struct stamp now = look(taken.path[i]);

		if (!is_same(&now, &taken.stamp[i]))
			return 1;
	}
	return 0;
}
