/* boxdir: Maildirs a and b below a directory of the test's own, in memory if
 * that can be. */
#ifndef TESTS_BOXDIR_H
#define TESTS_BOXDIR_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exact.h"
#include "maildir/box.h"

static char top[40];

static inline void path_of(char out[400], const char *name)
{
	(void)snprintf(out, 400, "%s/%s", top, name);
}

static inline int setup(void **state)
{
	static const char *const dirs[] = {"a", "a/new", "a/cur", "a/tmp",
					   "b", "b/new", "b/cur", "b/tmp"};
	char path[400];

	(void)state;
	box_boot();
	(void)snprintf(top, sizeof top, "%s/test-box-XXXXXX",
		       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(top) == NULL)
		return -1;
	for (size_t i = 0; i < COUNT(dirs); i++) {
		path_of(path, dirs[i]);
		if (mkdir(path, 0700) == -1)
			return -1;
	}
	return 0;
}

static inline int teardown(void **state)
{
	char command[120];

	(void)state;
	(void)snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", top, top);
	return system(command);
}

/* The box closes it. */
static inline int folder(const char *name)
{
	char path[400];
	int fd;

	path_of(path, name);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	assert_true(fd != -1);
	return fd;
}

static inline void open_box(struct box *b, const char *name, int flags)
{
	assert_int_equal(box_open(b, folder(name), flags), 0);
}

static inline void put(const char *name, const char *text)
{
	char path[400];
	FILE *f;

	path_of(path, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static inline int is_there(const char *name)
{
	char path[400];

	path_of(path, name);
	return access(path, F_OK) == 0;
}

static inline void shift(const char *from, const char *to)
{
	char a[400];
	char b[400];

	path_of(a, from);
	path_of(b, to);
	assert_int_equal(rename(a, b), 0);
}

static inline void drop(const char *name)
{
	char path[400];

	path_of(path, name);
	assert_int_equal(unlink(path), 0);
}

#endif
