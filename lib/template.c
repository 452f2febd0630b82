#include "template.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "cursor.h"
#include "fdio.h"
#include "usock.h"

enum { ANSWER = 5 };

static struct {
	size_t len;
	char *vars[TEMPLATE_VARS + 1];
	char words[TEMPLATE_ENV];
} now;

/* ---- the program's half ---- */

static int are_words(void)
{
	if (now.words[now.len - 1] != '\0')
		return 0;
	for (size_t at = 0; at < now.len; at += strlen(now.words + at) + 1)
		if (strchr(now.words + at, '=') == NULL)
			return 0;
	return 1;
}

int template_next(int channel)
{
	int fd = -1;
	ssize_t n = usock_await(channel, now.words, sizeof now.words, &fd);

	if (n <= 0)
		return -1;
	now.len = (size_t)n;
	return fd != -1 && are_words() ? fd : -1; /* else that was no listener */
}

static void answer(int channel, char letter, uint32_t n)
{
	unsigned char frame[ANSWER] = {(unsigned char)letter, (unsigned char)(n >> 24),
				       (unsigned char)(n >> 16), (unsigned char)(n >> 8),
				       (unsigned char)n};

	(void)usock_send(channel, frame, sizeof frame, -1);
}

void template_refuse(int channel, char letter)
{
	answer(channel, letter, 0);
}

/* The connection's words, the last one first, and then our own: who asks for a name gets
 * the first. Without putenv(), which allocates, and so costs a session several pages. */
static int fill_vars(void)
{
	size_t n = 0;

	for (size_t at = now.len - 1; at > 0 && n < TEMPLATE_VARS; n++) {
		do
			at--;
		while (at > 0 && now.words[at - 1] != '\0');
		now.vars[n] = now.words + at;
	}
	for (char **own = environ; *own != NULL && n < TEMPLATE_VARS; own++)
		now.vars[n++] = *own;
	now.vars[n] = NULL;
	if (n < TEMPLATE_VARS)
		return 0;
	errno = E2BIG;
	return -1;
}

int template_fork(int channel, int fd)
{
	long pid = fill_vars();

	/* No function of libc does this; nothing here has threads or hooks at fork. */
	if (pid == 0)
		pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0) {
		answer(channel, 'P', (uint32_t)getpid());
		(void)close(channel);
		environ = now.vars;
		return 1;
	}
	if (pid == -1)
		answer(channel, 'E', (uint32_t)errno);
	(void)close(fd);
	return 0;
}

/* ---- the listener's half ---- */

static enum template_said said(char letter, uint32_t n, pid_t *pid)
{
	switch (letter) {
	case 'P':
		*pid = (pid_t)n;
		return n > 0 && n <= INT32_MAX ? TEMPLATE_RUNS : TEMPLATE_LOST;
	case 'A':
		return TEMPLATE_ANEW;
	case 'D':
		return TEMPLATE_DONE;
	case 'E':
		errno = (int)n;
		return TEMPLATE_FAILED;
	default:
		return TEMPLATE_LOST;
	}
}

enum template_said template_heard(int channel, pid_t *pid)
{
	uint8_t frame[ANSWER];
	ssize_t n = usock_recv(channel, frame, sizeof frame, NULL);
	struct cursor c;
	uint8_t letter;
	uint32_t number;

	if (n <= 0) {
		errno = n == 0 ? EPIPE : errno;
		return TEMPLATE_LOST;
	}
	cur_init(&c, frame, (size_t)n);
	errno = EBADMSG;
	if (cur_u8(&c, &letter) == -1 || cur_u32(&c, &number) == -1 || cur_end(&c) == -1)
		return TEMPLATE_LOST;
	return said((char)letter, number, pid);
}

enum template_said template_ask(int channel, int fd, const char *words, size_t n,
				pid_t *pid)
{
	if (usock_send(channel, words, n, fd) == -1 ||
	    fd_wait(channel, POLLIN, clock_mono_ms() + TEMPLATE_ANSWER_MS) == -1)
		return TEMPLATE_LOST;
	return template_heard(channel, pid);
}
