/* What a client of IMAP sends before its login: the bytes as one command in a block of
 * its size; and through a socket, a whole session. The astrings of LOGIN have no NUL in
 * them and fit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "../../qimapd/login_session.h"
#include "login_play.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct command *c)
{
	char user[LIMIT_LOGIN + 1];
	char password[LIMIT_PASSWORD + 1];
	const char *p = c->args;
	size_t n = c->nargs;

	if (strlen(c->tag) == 0 || strlen(c->tag) > LIMIT_TAG || strlen(c->verb) == 0)
		abort();
	if (strcasecmp(c->verb, "LOGIN") != 0)
		return;
	if (command_astring(&p, &n, user, sizeof user) == -1)
		return;
	if (strlen(user) >= sizeof user || p + n != c->args + c->nargs)
		abort();
	if (n > 0 && *p == ' ' &&
	    (p++, n--, command_astring(&p, &n, password, sizeof password)) == 0 &&
	    (strlen(password) >= sizeof password || p + n != c->args + c->nargs))
		abort();
}

static void look_at_all(const uint8_t *data, size_t size)
{
	struct command c;
	char *p = malloc(size + 1);

	if (p == NULL)
		abort();
	memcpy(p, data, size);
	p[size] = '\0';
	if (command_split(&c, p, size) == 0)
		look(&c);
	free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	look_at_all(data, size);
	login_play("imap", data, size, login_session);
	return 0;
}
