/* A message is copied byte by byte where it cannot be linked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"
#include "clock.h"
#include "maildir/box_int.h"

enum { PIECE = 65536 };

static int copy_bytes(int from, int to)
{
	char *p = malloc(PIECE);
	ssize_t n = -1;

	while (p != NULL && (n = read(from, p, PIECE)) > 0)
		if (fd_write_full(to, p, (size_t)n, CLOCK_NEVER) == -1) {
			n = -1;
			break;
		}
	free(p);
	return n == 0 ? 0 : -1;
}

static int copy_file(int from, int to)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}};
	struct stat st;

	if (fstat(from, &st) == -1)
		return -1;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	times[1] = st.st_mtim;
	return copy_bytes(from, to) == -1 || futimens(to, times) == -1 || fsync(to) == -1
		   ? -1
		   : 0;
}

int boxdir_copy(int from_dir, const char *from, int tmp, int dir, const char *to)
{
	int in = openat(from_dir, from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int out =
	    in == -1 ? -1
		     : openat(tmp, to,
			      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = -1;
	int e;

	if (out != -1) {
		r = copy_file(in, out);
		if (close(out) == -1)
			r = -1;
		if (r == 0)
			r = boxdir_move(tmp, to, dir, to);
		e = errno;
		if (r == -1)
			(void)unlinkat(tmp, to, 0);
		errno = e;
	}
	e = errno;
	if (in != -1)
		(void)close(in);
	errno = e;
	return r;
}
