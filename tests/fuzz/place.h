/* place: a directory of the fuzz target's own, which goes with all files in it. */
#ifndef TESTS_FUZZ_PLACE_H
#define TESTS_FUZZ_PLACE_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "../unit/scratch.h"

static char fuzz_name[] = "/tmp/quoin-fuzz.XXXXXX";
static int fuzz_dir = -1;

static inline void check(int ok)
{
	if (!ok)
		abort();
}

static void fuzz_clean(void)
{
	(void)scratch_remove(fuzz_name);
}

static inline void fuzz_place(void)
{
	if (fuzz_dir != -1)
		return;
	check(mkdtemp(fuzz_name) != NULL);
	fuzz_dir = open(fuzz_name, O_RDONLY | O_DIRECTORY);
	check(fuzz_dir != -1);
	(void)atexit(fuzz_clean);
}

#endif
