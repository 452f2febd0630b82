#include "dotline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qlimits.h"

void dot_init(struct dot_list *l)
{
	*l = (struct dot_list){0};
}

void dot_free(struct dot_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i].text);
	free(l->items);
	dot_init(l);
}

static int grow(struct dot_list *l)
{
	size_t cap = l->cap ? 2 * l->cap : 16;
	struct dot_item *bigger;

	if (l->n < l->cap)
		return 0;
	bigger = realloc(l->items, cap * sizeof *bigger);
	if (bigger == NULL)
		return -1;
	l->items = bigger;
	l->cap = cap;
	return 0;
}

int dot_add(struct dot_list *l, enum dot_kind kind, const char *text)
{
	if (grow(l) == 0) {
		l->items[l->n] = (struct dot_item){kind, strdup(text)};
		if (l->items[l->n].text != NULL) {
			l->n++;
			return 0;
		}
	}
	(void)snprintf(l->error, sizeof l->error, "out of memory");
	return -1;
}

static int fail(struct dot_list *l, unsigned line, const char *why)
{
	(void)snprintf(l->error, sizeof l->error, "line %u %s", line, why);
	return -1;
}

static int is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static int add_forward(struct dot_list *l, unsigned line, const char *s)
{
	size_t n;

	s += strspn(s, " \t");
	n = strlen(s);
	if (n == 0)
		return fail(l, line, "has no address");
	if (n > LIMIT_ADDRESS)
		return fail(l, line, "has an address that is too long");
	for (const char *c = s; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return fail(l, line, "has a control character in an address");
	return dot_add(l, DOT_FORWARD, s);
}

static int add_file(struct dot_list *l, unsigned line, const char *s)
{
	size_t n = strlen(s);

	if (n >= LIMIT_PATH - 8)
		return fail(l, line, "has a path that is too long");
	return dot_add(l, s[n - 1] == '/' ? DOT_MAILDIR : DOT_MBOX, s);
}

static int take_line(struct dot_list *l, unsigned line, const char *s)
{
	if (*s == '\0')
		return line == 1 ? fail(l, line, "is blank") : 0;
	if (*s == '#')
		return 0;
	if (*s == '+') {
		if (strcmp(s, "+list") == 0)
			l->forward_only = 1;
		return 0;
	}
	if (*s == '&')
		return add_forward(l, line, s + 1);
	if (is_alnum(*s))
		return add_forward(l, line, s);
	if (*s != '|' && *s != '.' && *s != '/')
		return fail(l, line, "is not understood");
	if (l->forward_only)
		return fail(l, line, "is no forward, but the file may only forward");
	return *s == '|' ? dot_add(l, DOT_PROGRAM, s + 1) : add_file(l, line, s);
}

int dot_parse(struct dot_list *l, char *p, size_t n)
{
	unsigned line = 0;

	if (memchr(p, '\0', n) != NULL)
		return fail(l, 1, "or another has a NUL");
	while (n > 0) {
		char *lf = memchr(p, '\n', n);
		size_t len = lf != NULL ? (size_t)(lf - p) : n;
		size_t end = len;

		line++;
		if (len > LIMIT_DOTLINE)
			return fail(l, line, "is too long");
		while (end > 0 && strchr(" \t\r", p[end - 1]) != NULL)
			end--;
		p[end] = '\0';
		if (take_line(l, line, p) == -1)
			return -1;
		len += lf != NULL;
		p += len;
		n -= len;
	}
	return 0;
}
