#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "num.h"
#include "paths.h"
#include "prog.h"
#include "qlimits.h"
#include "sbuf.h"

static char error[LIMIT_PATH + 128];

const char *control_error(void)
{
	return error;
}

static int fail(int e, const char *name, unsigned line, const char *why)
{
	if (line > 0)
		(void)snprintf(error, sizeof error, "control/%s: line %u: %s", name, line,
			       why);
	else
		(void)snprintf(error, sizeof error, "control/%s: %s", name, why);
	errno = e;
	return -1;
}

int control_wrong(const char *name, unsigned line, const char *why)
{
	return fail(EINVAL, name, line, why);
}

/* 1 with the bytes, 0 when there is no such file. */
static int read_file(const char *name, struct sbuf *b)
{
	char path[LIMIT_PATH];
	int fd;
	int r;

	if (path_join(path, sizeof path, paths.control, name) == NULL)
		return fail(ENAMETOOLONG, name, 0, strerror(ENAMETOOLONG));
	/* musl's open() would spend an fcntl() on O_CLOEXEC. */
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 && errno == ENOENT)
		return 0;
	if (fd == -1)
		return fail(errno, name, 0, strerror(errno));
	r = sbuf_read(b, fd);
	if (r == -1 && errno == EMSGSIZE)
		(void)fail(E2BIG, name, 0, "the file is too large");
	else if (r == -1)
		(void)fail(errno, name, 0, strerror(errno));
	(void)close(fd);
	return r == -1 ? -1 : 1;
}

static size_t trim(const char *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	return n;
}

struct lines {
	struct control_item *item;
	size_t count;
	size_t cap;
};

static int push(struct lines *l, const char *p, size_t n, unsigned line)
{
	if (l->count + 1 >= l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct control_item *bigger = realloc(l->item, cap * sizeof *bigger);

		if (bigger == NULL)
			return -1;
		l->item = bigger;
		l->cap = cap;
	}
	if (p != NULL && (l->item[l->count].text = strndup(p, n)) == NULL)
		return -1;
	if (p == NULL) {
		l->item[l->count].text = NULL;
		return 0;
	}
	l->item[l->count++].line = line;
	return 0;
}

static int take_line(struct lines *l, const char *name, const char *p, size_t n,
		     unsigned line, int *crlf)
{
	if (n > 0 && p[n - 1] == '\r') {
		*crlf = 1;
		n--;
	}
	n = trim(p, n);
	if (n == 0 || p[0] == '#')
		return 0;
	if (n > LIMIT_CONTROLLINE)
		return fail(EMSGSIZE, name, line, "the line is too long");
	if (memchr(p, '\0', n) != NULL)
		return fail(EINVAL, name, line, "a NUL byte");
	return push(l, p, n, line) == -1 ? fail(ENOMEM, name, line, "out of memory") : 0;
}

static int parse(struct lines *l, const char *name, const char *p, size_t n)
{
	unsigned line = 0;
	int crlf = 0;

	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t len = end != NULL ? (size_t)(end - p) : n;

		if (take_line(l, name, p, len, ++line, &crlf) == -1)
			return -1;
		len += end != NULL;
		p += len;
		n -= len;
	}
	if (crlf)
		warn_msg("control/%s: lines end with CR LF; the CRs are ignored", name);
	return push(l, NULL, 0, 0) == -1 ? fail(ENOMEM, name, line, "out of memory") : 0;
}

int control_parse(const char *name, const char *p, size_t n, struct control_item **list)
{
	struct lines l = {NULL, 0, 0};

	*list = NULL;
	if (parse(&l, name, p, n) == -1) {
		int e = errno;

		if (l.item != NULL)
			(void)push(&l, NULL, 0, 0);
		control_free_list(l.item);
		errno = e;
		return -1;
	}
	*list = l.item;
	return l.count > 0;
}

int control_list(const char *name, struct control_item **list)
{
	struct sbuf b = SBUF_INIT(LIMIT_CONTROL);
	int there = read_file(name, &b);
	int r = there;

	if (r != -1)
		r = control_parse(name, b.p != NULL ? b.p : "", b.len, list);
	sbuf_free(&b);
	if (r == 0)
		errno = there ? 0 : ENOENT;
	return r;
}

void control_free_list(struct control_item *list)
{
	for (struct control_item *i = list; i != NULL && i->text != NULL; i++)
		free(i->text);
	free(list);
}

int control_line(const char *name, char **line)
{
	struct control_item *list;
	int r = control_list(name, &list);

	if (r == -1)
		return -1;
	if (r == 1) {
		*line = list[0].text;
		list[0].text = NULL;
		for (struct control_item *i = list + 1; i->text != NULL; i++)
			free(i->text);
		free(list);
		return 1;
	}
	control_free_list(list);
	return 0;
}

int control_line_or_me(const char *name, char **line)
{
	int r = control_line(name, line);

	if (r == 0)
		r = control_line("me", line);
	return r == 0 ? fail(ENOENT, "me", 0, "the file is missing or empty") : r;
}

int control_num(const char *name, uint64_t max, uint64_t *v)
{
	char *line = NULL;
	int r = control_line(name, &line);

	if (r == 1 && num_parse(line, max, v) == -1)
		r = fail(EINVAL, name, 1,
			 errno == ERANGE ? "the number is too large" : "not a number");
	free(line);
	return r;
}
