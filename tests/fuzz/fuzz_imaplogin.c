/* What a client of IMAP sends before its login: the bytes as one command in a block of
 * its size; and through a socket, commands with their literals. The astrings of LOGIN have
 * no NUL in them and fit. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../qimapd/login_session.h"
#include "clock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 60000 };

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

static int null_fd(void)
{
	static int fd = -1;

	if (fd == -1)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct login l = {.service = "imap", .is_socket = 1, .end = CLOCK_NEVER};
	struct command c;
	int fds[2];

	look_at_all(data, size);
	if (size > INPUT_MAX || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		return 0;
	if (send(fds[1], data, size, MSG_DONTWAIT) != (ssize_t)size && size > 0)
		abort();
	(void)shutdown(fds[1], SHUT_WR);
	l.in = fds[0];
	l.out = null_fd();
	while (!l.over)
		if (login_gather(&l, &c))
			look(&c);
	(void)close(fds[0]);
	(void)close(fds[1]);
	return 0;
}
