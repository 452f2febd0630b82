/* The classical way: descriptor 3 of the checkpassword program has user NUL password NUL
 * timestamp NUL; it becomes the user and runs its arguments, the server, on descriptors 0
 * and 1. SERVICE
 * says what for. Exit 1 is wrong, 0 the end of a session, everything else is temporary. A server
 * of ours never exits 1.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpass.h"
#include "clock.h"
#include "fdio.h"
#include "login/login.h"
#include "prog.h"
#include "qlog.h"
#include "usock.h"

enum { WORDS_MAX = 64, PASSWORD_FD = 3, CUT = 3, PAUSE_S = 2 };

/* Wrong: a line that fail2ban knows, and a pause, since nobody counts addresses here. */
static char wrong(const struct auth_want *w)
{
	static unsigned failures;
	struct qlog q;

	qlog_begin(&q, "login-failed");
	qlog_str(&q, "service", w->service);
	qlog_str(&q, "client", w->client);
	qlog_str(&q, "user", w->user);
	qlog_num(&q, "count", ++failures);
	qlog_end(&q);
	(void)poll(NULL, 0, (int)failures * PAUSE_S * 1000);
	return failures >= CUT ? 'C' : '-';
}

/* In the child. The words behind "--" are the server's last. */
static _Noreturn void become(char **argv, const struct auth_want *w, int password,
			     int session)
{
	static char dashes[] = "--";
	char word[LIMIT_AUTHWORD + 1];
	char *words[WORDS_MAX + 3];
	size_t n = 1;

	words[0] = argv[0];
	for (; n < WORDS_MAX && argv[n] != NULL; n++)
		words[n] = argv[n];
	(void)snprintf(word, sizeof word, "%s", w->word);
	if (word[0] != '\0') {
		words[n++] = dashes;
		words[n++] = word;
	}
	words[n] = NULL;
	if ((session != -1 && (dup2(session, 0) == -1 || dup2(session, 1) == -1)) ||
	    fd_move(PASSWORD_FD, password) == -1 ||
	    setenv("SERVICE", w->service, 1) == -1)
		die_sys(EXIT_TEMP, "prepare the checkpassword program");
	(void)execvp(words[0], words);
	die_sys2(EXIT_TEMP, "run", words[0]);
}

static int tell_password(int fd, const struct auth_want *w)
{
	char text[LIMIT_AUTHFRAME];
	size_t n = checkpass_put_time(text, w);
	int r = fd_write_full(fd, text, n, CLOCK_NEVER);

	explicit_bzero(text, sizeof text);
	/* in the frame, too: we wait as long as the session lasts */
	explicit_bzero((char *)w->password, strlen(w->password));
	return r;
}

static char judge(char **argv, const struct auth_want *w, int session)
{
	int password[2];
	int status;
	pid_t pid;

	if (pipe2(password, O_CLOEXEC) == -1 || tell_password(password[1], w) == -1)
		die_sys(EXIT_TEMP, "write a password");
	(void)close(password[1]);
	pid = fork();
	if (pid == 0)
		become(argv, w, password[0], session);
	if (pid == -1)
		die_sys(EXIT_TEMP, "start the checkpassword program");
	(void)close(password[0]);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			die_sys(EXIT_TEMP, "wait for the checkpassword program");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return wrong(w);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? '+' : 'Z';
}

/* + needs the account's name, which only the server knows: what was asked for stands. */
static void answer(int fd, char letter, const char *text)
{
	char frame[LIMIT_LOGIN + 2];
	int n = snprintf(frame, sizeof frame, "%c%s", letter, text);

	(void)usock_send(fd, frame, (size_t)n + 1, -1);
}

static _Noreturn void serve(int fd, pid_t reader, char **argv)
{
	static char frame[LIMIT_AUTHFRAME];
	struct auth_want w;
	int session = -1;
	ssize_t n;

	while (fd_wait(fd, POLLIN, CLOCK_NEVER) == 0 &&
	       (n = usock_recv(fd, frame, sizeof frame, &session)) > 0) {
		char letter;

		if (authask_get(&w, frame, (size_t)n) == -1)
			break;
		letter = judge(argv, &w, session);
		answer(fd, letter,
		       letter == '+'   ? w.user
		       : letter == 'Z' ? "The mailbox cannot be opened now."
				       : AUTH_WRONG);
		explicit_bzero(frame, sizeof frame);
		if (session != -1)
			(void)close(session);
	}
	(void)close(fd);
	(void)waitpid(reader, NULL, 0);
	_exit(0);
}

int login_fork_checker(char **argv)
{
	int fds[2];
	pid_t pid;
	size_t n = 1; /* the program at least: start.c has looked */

	while (argv[n] != NULL)
		n++;
	if (n > WORDS_MAX)
		die_msg(EXIT_PERM, "too many words behind the options");
	if (usock_pair(fds) == -1 || (pid = fork()) == -1)
		die_sys(EXIT_TEMP, "start a process");
	(void)close(fds[pid != 0]);
	if (pid != 0)
		serve(fds[0], pid, argv);
	return fds[1];
}
