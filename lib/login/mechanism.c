#include "sasl.h"

#include <string.h>
#include <strings.h>

#include "login/login.h"

static char line[LOGIN_LINE];

/* What the client answers to the challenge, or what came with the command. */
static enum login_sasl hear(struct login *l, const char *challenge, const char **said)
{
	size_t n;

	if (*said != NULL)
		return SAID_ALL;
	login_say(l, "+ %s", challenge);
	if (l->over)
		return SAID_CANCELLED;
	if (login_line(l, line, sizeof line, &n) != 1) {
		l->over = OVER_CUT;
		return SAID_CANCELLED;
	}
	*said = line;
	return strcmp(line, "*") == 0 ? SAID_CANCELLED : SAID_ALL;
}

static enum login_sasl of(enum sasl_result r)
{
	return r == SASL_OK ? SAID_ALL : r == SASL_WRONG ? SAID_NOBODY : SAID_GARBLED;
}

static enum login_sasl plain(struct login *l, struct sasl *who, const char *said)
{
	enum login_sasl r = hear(l, "", &said);

	return r == SAID_ALL ? of(sasl_plain(who, said, strlen(said))) : r;
}

/* The challenges are "Username:" and "Password:". */
static enum login_sasl login(struct login *l, struct sasl *who, const char *said)
{
	enum login_sasl r = hear(l, "VXNlcm5hbWU6", &said);

	if (r == SAID_ALL)
		r = of(sasl_user(who, said, strlen(said)));
	said = NULL;
	if (r == SAID_ALL)
		r = hear(l, "UGFzc3dvcmQ6", &said);
	return r == SAID_ALL ? of(sasl_password(who, said, strlen(said))) : r;
}

enum login_sasl login_sasl(struct login *l, const char *mechanism, const char *initial,
			   struct sasl *who)
{
	enum login_sasl r = SAID_NO_MECHANISM;

	if (strcasecmp(mechanism, "PLAIN") == 0)
		r = plain(l, who, initial);
	else if (strcasecmp(mechanism, "LOGIN") == 0)
		r = login(l, who, initial);
	explicit_bzero(line, sizeof line);
	return r;
}
