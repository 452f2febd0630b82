/* EXPN (RFC 5321 3.5.3): what an alias stands for. For clients that may relay, where
 * control/expn exists; to everybody else the command is not offered. */
#include <stdio.h>
#include <string.h>

#include "alias.h"
#include "ascii.h"
#include "escape.h"
#include "session.h"

enum { TARGETS_MAX = 1000 };

/* The name as aliases.cdb has it: without brackets and domain, lower case. */
static size_t key_of(char *arg, const char **key)
{
	char *name = arg + (arg[0] == '<');
	size_t n = strcspn(name, "@>");

	ascii_copy_lower(name, name, n);
	*key = name;
	return n;
}

/* Commands and paths are nobody's business out there. */
static void describe(char *out, size_t size, const struct alias_item *item)
{
	char text[LIMIT_TEXT + 1];

	(void)escape_text(text, sizeof text, item->text, strlen(item->text));
	(void)snprintf(out, size, item->kind == ALIAS_FORWARD ? "<%s>" : "%s",
		       item->kind == ALIAS_FORWARD   ? text
		       : item->kind == ALIAS_PROGRAM ? "a program"
		       : item->kind == ALIAS_INCLUDE ? "a list"
		       : item->kind == ALIAS_FILE    ? "a mailbox"
						     : "nobody");
}

/* Each line waits until it is known whether another follows. */
static void say_targets(struct session *s, struct cursor *value)
{
	char line[LIMIT_TEXT + 16] = "";
	char target[LIMIT_TEXT + 4];
	struct alias_item item;

	for (int n = 0; n < TARGETS_MAX && alias_next(value, &item) == 1; n++) {
		if (line[0] != '\0') {
			line[3] = '-';
			session_say(s, line);
		}
		describe(target, sizeof target, &item);
		(void)snprintf(line, sizeof line, "250 2.1.0 %s\r\n", target);
	}
	if (line[0] == '\0')
		reply(s, SAY_RCPT_LATER);
	else
		session_say(s, line);
}

void cmd_expn(struct session *s, char *arg)
{
	struct cursor value;
	const char *key;
	const char *p;
	size_t len;
	size_t n = key_of(arg, &key);
	int r;

	if (!s->cfg.has_aliases) {
		reply(s, SAY_NOT_OFFERED);
		return;
	}
	if (n == 0) {
		reply(s, SAY_BAD_ARGUMENT);
		return;
	}
	r = table_get(&s->cfg.aliases, key, n, &p, &len);
	if (r != 1) {
		reply(s, r == 0 ? SAY_NO_SUCH_ALIAS : SAY_RCPT_LATER);
		return;
	}
	cur_init(&value, p, len);
	say_targets(s, &value);
}
