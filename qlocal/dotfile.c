#include "dotfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "dotline.h"
#include "dotname.h"

/* Of a dot-file's name: longer ones than 255 bytes do not exist anyway. */
enum { NAME_PART = LIMIT_PATH - 32 };

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
	if (sbuf_read(text, fd) == -1)
		return fail(f, "unable to read %s: %s (#4.3.0)", f->name,
			    strerror(errno));
	return 1;
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

/* "list-default" asked for by its own name: what "default" stood for is the word. */
static const char *literal_default(const char *ext)
{
	const size_t len = sizeof "default" - 1;
	size_t n = strlen(ext);

	return n >= len && strcasecmp(ext + n - len, "default") == 0 ? ext + n - len
								     : NULL;
}

/* What -default stands for in the name that is being tried. */
static const char *matched(const struct dotfile *f, const char *dash, const char *ext)
{
	return ext + strlen(f->name) - strlen(".qmail") - strlen(dash) -
	       strlen("default");
}

/* The names of lib/dotname, relative to the home: openat() cannot leave it. */
static int next_name(struct dotfile *f, struct dotname *n)
{
	if (!dotname_next(n))
		return 0;
	(void)snprintf(f->name, sizeof f->name, "%.*s", NAME_PART, n->path + 1);
	return 1;
}

int dotfile_read(struct dotfile *f, int home, const char *dash, const char *ext,
		 struct sbuf *text)
{
	struct dotname n;
	int r = 0;

	f->forward_only = 0;
	f->matched = literal_default(ext);
	dotname_init(&n, "", dash, ext);
	if (next_name(f, &n))
		r = read_one(f, home, 0, text);
	while (r == 0 && next_name(f, &n)) {
		f->matched = matched(f, dash, ext);
		r = read_one(f, home, 0, text);
	}
	if (r == 0)
		f->matched = NULL;
	return r;
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
	struct dotname n;
	int r;

	dotname_init(&n, "", dash, ext);
	if (!dotname_next(&n))
		return 0;
	(void)snprintf(f->name, sizeof f->name, "%.*s-owner", NAME_PART, n.path + 1);
	r = exists(f, home);
	if (r != 1)
		return r;
	(void)snprintf(f->name, sizeof f->name, "%.*s-owner-default", NAME_PART,
		       n.path + 1);
	r = exists(f, home);
	return r == 1 ? 2 : r == 0 ? 1 : -1;
}
