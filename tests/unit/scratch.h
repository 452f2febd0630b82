/* scratch: a test's directory and all below it go. */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>

static inline int scratch_entry(const char *path, const struct stat *st, int what,
				struct FTW *where)
{
	(void)st;
	(void)what;
	(void)where;
	return remove(path);
}

static inline int scratch_remove(const char *top)
{
	return nftw(top, scratch_entry, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
