/* nosync: takes one kind of sync out of a program, to show that tests/faults/powercut
 * finds what that loses. Linked into it by `make nosync` alone (-Wl,--wrap): Quoin's own
 * code has no such switch.
 *
 * -DNOSYNC_FILE: fsync() of a file does nothing. -DNOSYNC_DIR: of a directory.
 * -DNOSYNC_CUR: of a Maildir's cur/. -DNOSYNC_DATA: fdatasync(). Sandboxes allow no call
 * to find out which it is: that is noted when it is opened.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { FDS = 4096 };

int __real_fsync(int fd);
int __real_fdatasync(int fd);
int __real_open(const char *path, int flags, ...);
int __real_openat(int at, const char *path, int flags, ...);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_open(const char *path, int flags, ...);
int __wrap_openat(int at, const char *path, int flags, ...);

static char is_dir[FDS];

static int note(int fd, const char *path, int flags)
{
	if (fd >= 0 && fd < FDS)
		is_dir[fd] = (flags & O_DIRECTORY) == O_DIRECTORY;
#ifdef NOSYNC_CUR
	if (fd >= 0 && fd < FDS)
		is_dir[fd] = strcmp(path, "cur") == 0;
#else
	(void)path;
#endif
	return fd;
}

static mode_t mode_of(va_list args, int flags)
{
	return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(args, unsigned) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(args, flags);
	va_end(args);
	return note(__real_open(path, flags, mode), path, flags);
}

int __wrap_openat(int at, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_of(args, flags);
	va_end(args);
	return note(__real_openat(at, path, flags, mode), path, flags);
}

static int is_out(int fd)
{
#if defined NOSYNC_FILE
	return !is_dir[fd % FDS];
#elif defined NOSYNC_DIR || defined NOSYNC_CUR
	return is_dir[fd % FDS];
#else
	(void)fd;
	return 0;
#endif
}

int __wrap_fsync(int fd)
{
	return is_out(fd) ? 0 : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
#ifdef NOSYNC_DATA
	(void)fd;
	return 0;
#else
	return __real_fdatasync(fd);
#endif
}
