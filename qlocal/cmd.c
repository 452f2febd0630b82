#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "asked.h"
#include "clock.h"
#include "date822.h"
#include "prog.h"
#include "sbuf.h"
#include "submit.h"

enum { DOOR_MS = 5000, SUBMIT_MS = 600000 };

void cmd_rewind(void)
{
	if (lseek(0, 0, SEEK_SET) == -1 && errno != ESPIPE)
		die_sys(EXIT_TEMP, "rewind the message");
}

int cmd_run(char **argv)
{
	int status;
	pid_t pid;

	cmd_rewind();
	pid = fork();
	if (pid == -1)
		die_sys(EXIT_TEMP, "start a program");
	if (pid == 0) {
		(void)execvp(argv[0], argv);
		die_sys2(EXIT_TEMP, "run", argv[0]);
	}
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			die_sys(EXIT_TEMP, "wait for a program");
	if (!WIFEXITED(status))
		die_msg(EXIT_TEMP, "%s was ended by a signal", argv[0]);
	cmd_rewind();
	return WEXITSTATUS(status);
}

/* ---- forwarding ---- */

static _Noreturn void die_queue(const struct submit *s)
{
	if (s->text[0] != '\0')
		die_msg(EXIT_TEMP, "the mail queue says: %s", s->text);
	die_sys(EXIT_TEMP, "submit the message");
}

static void make_envelope(struct sbuf *env, char *const *addresses)
{
	const char *sender = getenv("NEWSENDER");
	struct asked asked;

	asked_of_environment(&asked);
	if (sender == NULL)
		die_msg(EXIT_PERM, "NEWSENDER is not set");
	if (sbuf_field(env, 'F', sender) == -1 || asked_put_sender(&asked, env) == -1)
		die_sys(EXIT_TEMP, "make the envelope");
	for (; *addresses != NULL; addresses++) {
		if (**addresses == '\0' || strlen(*addresses) > LIMIT_ADDRESS)
			die_msg(EXIT_PERM, "an address is empty or too long");
		if (asked_put_rcpt(&asked, 0, *addresses, env) == -1)
			die_sys(EXIT_TEMP, "make the envelope");
	}
}

static void put_line(struct submit *s, const char *line)
{
	if (submit_data(s, line, strlen(line)) == -1)
		die_queue(s);
}

/* DTLINE keeps a message that comes back from going round for ever. */
static void put_prefix(struct submit *s)
{
	const char *dtline = getenv("DTLINE");
	char date[DATE822_SIZE];
	char line[128];

	if (dtline == NULL)
		die_msg(EXIT_PERM, "DTLINE is not set");
	date822(date, time(NULL));
	(void)snprintf(line, sizeof line, "Received: (Quoin %s) id %s; %s\n", prog_name,
		       s->id, date);
	put_line(s, line);
	put_line(s, dtline);
}

static void put_message(struct submit *s)
{
	char piece[8192];
	ssize_t r;

	while ((r = read(0, piece, sizeof piece)) != 0) {
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			die_sys(EXIT_TEMP, "read the message");
		if (submit_data(s, piece, (size_t)r) == -1)
			die_queue(s);
	}
}

void cmd_forward(char *const *addresses)
{
	static struct submit s;
	struct sbuf env = SBUF_INIT(LIMIT_ENVELOPE);
	char answer;

	make_envelope(&env, addresses);
	cmd_rewind();
	if (submit_open(&s, clock_mono_ms() + DOOR_MS) == -1)
		die_queue(&s);
	submit_deadline(&s, clock_mono_ms() + SUBMIT_MS);
	if (submit_envelope(&s, env.p, env.len) == -1)
		die_queue(&s);
	put_prefix(&s);
	put_message(&s);
	if (submit_commit(&s, &answer) == -1)
		die_queue(&s);
	if (answer != 'K')
		die_msg(answer == 'D' ? EXIT_PERM : EXIT_TEMP, "the mail queue says: %s",
			s.text);
	submit_close(&s);
	sbuf_free(&env);
}
