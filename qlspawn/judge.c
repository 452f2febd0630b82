#include "judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "addr.h"
#include "alias.h"
#include "cursor.h"
#include "dotname.h"
#include "escape.h"

static void say(struct verdict *v, char letter, const char *text)
{
	v->letter = letter;
	v->room[0] = '\0';
	(void)escape_text(v->text, sizeof v->text, text, strlen(text));
}

/* ---- ~alias ---- */

enum { NO, YES, UNKNOWN };

/* A link counts as a file, wherever it leads. */
static int is_there(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		return YES;
	return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? NO
									    : UNKNOWN;
}

static int has_dotfile(const struct route_user *u)
{
	struct dotname d;
	int r = NO;

	dotname_init(&d, u->home, u->dash, u->ext);
	while (r == NO && dotname_next(&d))
		r = is_there(d.path);
	return r;
}

/* ---- an alias ---- */

/* "error:5.1.6 text" is told here, before the message is sent. */
static int judge_alias(const char *key, struct verdict *v)
{
	struct alias_item item;
	struct cursor c;
	char *value;
	size_t len;

	if (alias_find(key, &value, &len) != 1) {
		say(v, 'Z', "The aliases cannot be read.");
		return 0;
	}
	cur_init(&c, value, len);
	if (alias_next(&c, &item) == 1 && item.kind == ALIAS_ERROR)
		say(v, '-', item.text);
	else
		say(v, '+', "alias");
	free(value);
	return 0;
}

/* ---- all of it ---- */

static const char no_mailbox[] = "5.1.1 There is no mailbox of that name.";

static void judge_user(const struct route_user *u, const char *rcpt, struct verdict *v)
{
	if (u->uid == 0)
		say(v, '-', no_mailbox);
	else if (!u->catchall)
		say(v, '+', "user");
	else if (has_dotfile(u) == NO && !addr_is_role(rcpt))
		say(v, '-', no_mailbox);
	else
		say(v, '+', "dot-file");
}

int judge(const struct route *r, const char *rcpt, struct question *q, struct verdict *v)
{
	struct route_to to;
	struct route_user u;

	if (route_address(r, rcpt, &to, NULL, NULL) == -1) {
		say(v, '-', "5.1.3 That is not an address.");
		return 0;
	}
	if (to.kind == ROUTE_REMOTE) {
		say(v, '+', "remote");
		return 0;
	}
	if (route_local(to.local, pwask_getpw, q, &u, NULL, NULL) == -1) {
		if (errno == EINPROGRESS)
			return -1;
		say(v, 'Z', route_error());
		return 0;
	}
	if (u.alias[0] != '\0')
		return judge_alias(u.alias, v);
	judge_user(&u, rcpt, v);
	/* what has an extension may go anywhere */
	if (v->letter == '+' && !u.catchall && *u.dash == '\0')
		memcpy(v->room, to.local, sizeof v->room);
	return 0;
}
