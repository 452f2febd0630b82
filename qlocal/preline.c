/* preline: runs a program with the message as a mailbox has it: the From_ line,
 * Return-Path and Delivered-To in front.
 *
 * Runs as the user, from a dot-file. The program reads a pipe and its exit code is ours;
 * 111 when it was killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "fdio.h"
#include "prog.h"

static const char usage[] = "preline [-dfr] program [argument ...]";

/* The three lines, in order; an option leaves one out. */
static struct {
	char option;
	const char *variable;
	int out;
} lines[] = {{'f', "UFLINE", 0}, {'r', "RPLINE", 0}, {'d', "DTLINE", 0}};
enum { LINES = sizeof lines / sizeof *lines };

static void arguments(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+dfr")) != -1) {
		if (c == '?')
			die_usage(usage);
		for (size_t i = 0; i < LINES; i++)
			lines[i].out |= lines[i].option == c;
	}
	if (optind == argc)
		die_usage(usage);
}

/* A program may end before it has read all: that is its right (EPIPE). */
static int put(int fd, const char *p, size_t n)
{
	if (fd_write_full(fd, p, n, CLOCK_NEVER) == 0)
		return 0;
	if (errno != EPIPE)
		die_sys(EXIT_TEMP, "write to the program");
	return -1;
}

static int put_lines(int fd)
{
	for (size_t i = 0; i < LINES; i++) {
		const char *line = getenv(lines[i].variable);

		if (lines[i].out)
			continue;
		if (line == NULL)
			die_msg(EXIT_PERM, "%s is not set", lines[i].variable);
		if (put(fd, line, strlen(line)) == -1)
			return -1;
	}
	return 0;
}

static void feed(int fd)
{
	char piece[8192];
	ssize_t r;

	if (put_lines(fd) == -1)
		return;
	while ((r = read(0, piece, sizeof piece)) != 0) {
		if (r == -1 && errno != EINTR)
			die_sys(EXIT_TEMP, "read the message");
		if (r > 0 && put(fd, piece, (size_t)r) == -1)
			return;
	}
}

static pid_t start(char **argv, int in[2])
{
	pid_t pid;

	if (pipe(in) == -1 || (pid = fork()) == -1)
		die_sys(EXIT_TEMP, "start a program");
	if (pid == 0) {
		(void)close(in[1]);
		if (fd_move(0, in[0]) == -1)
			die_sys(EXIT_TEMP, "move a descriptor");
		(void)execvp(argv[0], argv);
		die_sys2(EXIT_TEMP, "run", argv[0]);
	}
	(void)close(in[0]);
	return pid;
}

int main(int argc, char **argv)
{
	int in[2];
	int status;
	pid_t pid;

	prog_init("preline");
	arguments(argc, argv);
	cmd_rewind();
	pid = start(argv + optind, in);
	(void)signal(SIGPIPE, SIG_IGN);
	feed(in[1]);
	(void)close(in[1]);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			die_sys(EXIT_TEMP, "wait for the program");
	if (!WIFEXITED(status))
		die_msg(EXIT_TEMP, "%s was ended by a signal", argv[optind]);
	return WEXITSTATUS(status);
}
