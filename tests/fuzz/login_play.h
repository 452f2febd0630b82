/* login_play: what surrounds a session before its login. The client says what the input has and then
 * nothing; "secret" is everybody's password; TLS is there at once, and changes nothing on the wire. */
#ifndef TESTS_FUZZ_LOGIN_PLAY_H
#define TESTS_FUZZ_LOGIN_PLAY_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "login/login.h"
#include "logout.h"

enum { LOGIN_INPUT = 60000 };

static inline void login_check(int ok)
{
	if (!ok)
		abort();
}

static int login_fd; /* the client's */
static int left;     /* behind the password that was right; -1: none was */

static int unread(void)
{
	int n;

	login_check(ioctl(login_fd, FIONREAD, &n) == 0);
	return n;
}

/* ---- a qauth ---- */

enum auth_answer authask_on(int fd, const struct auth_want *w, char out[LIMIT_TEXT + 1],
			    int64_t deadline)
{
	size_t user = strlen(w->user), password = strlen(w->password);

	(void)fd;
	(void)deadline;
	login_check(left == -1 && user <= LIMIT_LOGIN && password <= LIMIT_PASSWORD);
	(void)snprintf(out, LIMIT_TEXT + 1, "no");
	if (user == 0 || password == 0)
		return AUTH_NO;
	if (strcmp(w->password, "later") == 0)
		return AUTH_LATER;
	if (strcmp(w->password, "secret") != 0)
		return AUTH_NO;
	left = unread();
	return AUTH_YES;
}

enum auth_answer authask(const char *door, const struct auth_want *w,
			 char out[LIMIT_TEXT + 1], int64_t deadline)
{
	(void)door;
	return authask_on(-1, w, out, deadline);
}

/* ---- a qtls ---- */

int login_starttls(struct login *l, const char *go)
{
	login_check(!l->tls_on && l->tls_is_served);
	login_say(l, "%s", go);
	l->tls_on = l->may_clear = 1;
	return 0;
}

/* ---- no log ---- */

void logout_line(const char *p, size_t n)
{
	login_check(n > 0 && p[n - 1] == '\n' && memchr(p, '\n', n - 1) == NULL);
}

void logout_flush(void) {}

void logout_hold(void) {}

/* ---- the session ---- */

static int login_null(void)
{
	static int fd = -1;

	if (fd == -1)
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	login_check(fd != -1);
	return fd;
}

/* What follows a password that was right is the server's. */
static void login_play(const char *service, const uint8_t *p, size_t n,
		       void (*session)(struct login *l))
{
	struct login l = {.service = service,
			  .is_socket = n % 2 == 0,
			  .end = CLOCK_NEVER,
			  .tls_is_served = 1,
			  .may_clear = n % 3 > 0,
			  .checker = -1,
			  .host = "q.example",
			  .client = "192.0.2.7"};
	int fds[2];

	if (n > LOGIN_INPUT || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		return;
	login_check(n == 0 || send(fds[1], p, n, MSG_DONTWAIT) == (ssize_t)n);
	(void)shutdown(fds[1], SHUT_WR);
	login_fd = l.in = fds[0];
	l.out = login_null();
	left = -1;
	session(&l);
	login_check(l.over && (l.over == OVER_PASSED_ON) == (left != -1));
	login_check(left == -1 || unread() == left);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

#endif
