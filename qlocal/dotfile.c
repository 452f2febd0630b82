#include "dotfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "dotline.h"

__attribute__((format(printf, 2, 3))) static int fail(struct dotfile *f, const char *fmt,
						      ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(f->error, sizeof f->error, fmt, ap);
	va_end(ap);
	return -1;
}

int dotfile_home(struct dotfile *f, const struct stat *home)
{
	if (!S_ISDIR(home->st_mode))
		return fail(f, "the home is not a directory (#4.3.5)");
	if (home->st_mode & S_ISVTX)
		return fail(f, "the home is sticky: its user is editing (#4.2.1)");
	if (home->st_mode & (S_IWGRP | S_IWOTH))
		return fail(f, "others may write to the home (#4.7.0)");
	return 0;
}

/* The names of files have no capitals, and no dots to climb by. -1: a slash. */
static int safe_ext(char out[LIMIT_ADDRESS + 1], const char *ext)
{
	size_t n = strlen(ext);

	if (n > LIMIT_ADDRESS || strchr(ext, '/') != NULL)
		return -1;
	for (size_t i = 0; i <= n; i++)
		out[i] = ext[i] >= 'A' && ext[i] <= 'Z' ? (char)(ext[i] + 'a' - 'A')
			 : ext[i] == '.'                ? ':'
							: ext[i];
	return 0;
}

static int judge(struct dotfile *f, const struct stat *st, int any_owner)
{
	if (!S_ISREG(st->st_mode))
		return fail(f, "%s is not a plain file (#4.3.5)", f->name);
	if (!any_owner && st->st_uid != geteuid() && st->st_uid != 0)
		return fail(f, "%s belongs to somebody else (#4.7.0)", f->name);
	if (st->st_mode & S_IWOTH)
		return fail(f, "others may write to %s (#4.7.0)", f->name);
	if (st->st_size > LIMIT_DOTFILE)
		return fail(f, "%s is too large (#4.3.5)", f->name);
	f->forward_only = (st->st_mode & S_IXUSR) != 0;
	return 0;
}

static int slurp(struct dotfile *f, int fd, struct sbuf *text)
{
	ssize_t r;

	do {
		if (sbuf_reserve(text, 4096) == -1)
			return fail(f, "%s: %s (#4.3.0)", f->name, strerror(errno));
		r = read(fd, text->p + text->len, 4096);
		if (r > 0)
			text->len += (size_t)r;
	} while (r > 0 || (r == -1 && errno == EINTR));
	return r == -1
		   ? fail(f, "unable to read %s: %s (#4.3.0)", f->name, strerror(errno))
		   : 1;
}

/* Names that no file can have are absent. */
static int is_absent(int e)
{
	return e == ENOENT || e == ENAMETOOLONG;
}

static int read_one(struct dotfile *f, int home, int any_owner, struct sbuf *text)
{
	int fd = openat(home, f->name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd == -1) {
		if (is_absent(errno))
			return 0;
		if (errno == ELOOP)
			return fail(f, "%s is a symbolic link (#4.3.5)", f->name);
		return fail(f, "unable to open %s: %s (#4.3.0)", f->name,
			    strerror(errno));
	}
	if (fstat(fd, &st) == -1)
		r = fail(f, "unable to look at %s: %s (#4.3.0)", f->name,
			 strerror(errno));
	else
		r = judge(f, &st, any_owner) == -1 ? -1 : slurp(f, fd, text);
	(void)close(fd);
	return r;
}

static void set_name(struct dotfile *f, const char *dash, const char *safe, size_t n,
		     const char *tail)
{
	(void)snprintf(f->name, sizeof f->name, ".qmail%s%.*s%s", dash, (int)n, safe,
		       tail);
}

/* "list-default" asked for by its own name: what "default" stood for is the word. */
static const char *literal_default(const char *ext)
{
	const size_t len = sizeof "default" - 1;
	size_t n = strlen(ext);

	return n >= len && strcasecmp(ext + n - len, "default") == 0 ? ext + n - len
								     : NULL;
}

int dotfile_read(struct dotfile *f, int home, const char *dash, const char *ext,
		 struct sbuf *text)
{
	char safe[LIMIT_ADDRESS + 1];
	size_t n;
	int r;

	f->matched = NULL;
	f->forward_only = 0;
	if (safe_ext(safe, ext) == -1)
		return 0;
	n = strlen(safe);
	set_name(f, dash, safe, n, "");
	r = read_one(f, home, 0, text);
	if (r != 0 || *dash == '\0') {
		f->matched = literal_default(ext);
		return r;
	}
	for (size_t i = n + 1; i-- > 0;) {
		if (i > 0 && safe[i - 1] != '-')
			continue;
		set_name(f, dash, safe, i, "default");
		f->matched = ext + i;
		r = read_one(f, home, 0, text);
		if (r != 0)
			return r;
	}
	f->matched = NULL;
	return 0;
}

int dotfile_include(struct dotfile *f, const char *path, struct sbuf *text)
{
	int n = snprintf(f->name, sizeof f->name, "%s", path);

	if (n < 0 || (size_t)n >= sizeof f->name || *path != '/')
		return fail(f, "an included file has no good path");
	return read_one(f, AT_FDCWD, 1, text);
}

static int exists(struct dotfile *f, int home)
{
	struct stat st;

	if (fstatat(home, f->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return is_absent(errno) ? 0
				: fail(f, "unable to look for %s: %s (#4.3.0)", f->name,
				       strerror(errno));
}

int dotfile_owner(struct dotfile *f, int home, const char *dash, const char *ext)
{
	char safe[LIMIT_ADDRESS + 1];
	int r;

	if (safe_ext(safe, ext) == -1)
		return 0;
	set_name(f, dash, safe, strlen(safe), "-owner");
	r = exists(f, home);
	if (r != 1)
		return r;
	set_name(f, dash, safe, strlen(safe), "-owner-default");
	r = exists(f, home);
	return r == 1 ? 2 : r == 0 ? 1 : -1;
}
