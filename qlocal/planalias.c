/* The plan of an alias: what control/aliases.cdb says instead of a dot-file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alias.h"
#include "plan.h"
#include "sbuf.h"

static const char table_name[] = "control/aliases.cdb";

static int later(struct answer *a, const char *what, const char *why)
{
	answer_set(a, LATER, "%s: %s (#4.3.5)", what, why);
	return -1;
}

/* Each line of an included file is a forward. */
static int include_lines(struct plan *p, const char *at, size_t left)
{
	char address[LIMIT_ADDRESS + 1];

	while (left > 0) {
		const char *lf = memchr(at, '\n', left);
		size_t n = lf != NULL ? (size_t)(lf - at) : left;
		int r = alias_include_line(at, n, address);

		if (r == -1 || (r == 1 && dot_add(&p->list, DOT_FORWARD, address) == -1))
			return -1;
		n += lf != NULL;
		at += n;
		left -= n;
	}
	return 0;
}

static int include(struct plan *p, const char *path, struct answer *a)
{
	struct sbuf text = SBUF_INIT(LIMIT_DOTFILE + 4096);
	int r = dotfile_include(&p->file, path, &text);

	if (r == 0)
		r = later(a, path, "the included file is not there");
	else if (r == -1)
		answer_set(a, LATER, "%s", p->file.error);
	else if ((r = include_lines(p, text.p, text.len)) == -1)
		r = later(a, path, "a line is no address");
	sbuf_free(&text);
	return r;
}

static int take_item(struct plan *p, const struct alias_item *i, struct answer *a)
{
	enum dot_kind kind;

	switch (i->kind) {
	case ALIAS_FORWARD:
		kind = DOT_FORWARD;
		break;
	case ALIAS_PROGRAM:
		kind = DOT_PROGRAM;
		break;
	case ALIAS_FILE:
		kind = i->text[strlen(i->text) - 1] == '/' ? DOT_MAILDIR : DOT_MBOX;
		break;
	case ALIAS_INCLUDE:
		return include(p, i->text, a);
	case ALIAS_DISCARD:
		kind = DOT_DISCARD;
		break;
	case ALIAS_ERROR:
		kind = DOT_REFUSE;
		break;
	default:
		return later(a, table_name, "an instruction that is unknown");
	}
	return dot_add(&p->list, kind, i->text) == -1
		   ? later(a, table_name, p->list.error)
		   : 0;
}

static int take_value(struct plan *p, const char *value, size_t len, struct answer *a)
{
	struct alias_item item;
	struct cursor c;
	int r;

	cur_init(&c, value, len);
	while ((r = alias_next(&c, &item)) == 1)
		if (take_item(p, &item, a) == -1)
			return -1;
	return r == 0 ? 0 : later(a, table_name, "the entry is broken");
}

int plan_alias(struct plan *p, const char *key, struct answer *a)
{
	char *value = NULL;
	size_t len;
	int r = alias_find(key, &value, &len);

	if (r == 0)
		return later(a, table_name, "the alias is not there any more");
	if (r == -1)
		return later(a, table_name, strerror(errno));
	r = take_value(p, value, len, a);
	free(value);
	return r;
}
