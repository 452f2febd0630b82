#include <errno.h>
#include <string.h>
#include <strings.h>

#include "login_session.h"

static char buf[LOGIN_LINE + 1];

void login_wipe(void)
{
	explicit_bzero(buf, sizeof buf);
}

static void bad_line(struct login *l)
{
	if (errno == ETIMEDOUT)
		login_bye(l, "Login takes too long.");
	else if (errno == EMSGSIZE)
		login_bye(l, "The line is too long.");
	else {
		login_refuse(l, "control bytes in a command");
		login_bye(l, "A command has no control bytes.");
	}
}

/* Is what came so far a LOGIN? */
static int is_login(size_t n)
{
	const char *verb = memchr(buf, ' ', n);

	return verb != NULL && strncasecmp(verb + 1, "LOGIN ", 6) == 0;
}

/* The tag is as yet in front of a blank. */
static void refuse_literal(struct login *l, size_t n)
{
	struct command c;

	if (command_split(&c, buf, n) == -1)
		login_bad(l, "*", "That is no command.");
	else
		login_bad(l, c.tag, "Such a literal is not taken here.");
}

/* The bytes of a literal to buf + *len. */
static int take_literal(struct login *l, const struct literal *lit, size_t *len)
{
	if (!lit->plus && (!is_login(*len) || lit->n > LIMIT_LITERAL)) {
		refuse_literal(l, *len);
		return 0;
	}
	if (lit->n > LIMIT_LITERAL_PLUS || lit->n + 2 >= sizeof buf - *len) {
		login_refuse(l, "a literal is too long");
		login_bye(l, "The literal is too long.");
		return 0;
	}
	if (!lit->plus)
		login_say(l, "+ go on");
	buf[(*len)++] = '\r';
	buf[(*len)++] = '\n';
	if (l->over || login_bytes(l, buf + *len, lit->n) != 1) {
		l->over = OVER_CUT;
		return 0;
	}
	*len += lit->n;
	return 1;
}

int login_gather(struct login *l, struct command *c)
{
	struct literal lit;
	size_t len = 0;
	size_t n;
	int r;

	while ((r = login_line(l, buf + len, sizeof buf - len, &n)) == 1) {
		int more = literal_at_end(&lit, buf + len, n);

		len += n;
		if (!more) {
			if (command_split(c, buf, len) == 0)
				return 1;
			login_bad(l, "*", "That is no command.");
			return 0;
		}
		if (!take_literal(l, &lit, &len))
			return 0;
	}
	if (r == -1)
		bad_line(l);
	return 0;
}
