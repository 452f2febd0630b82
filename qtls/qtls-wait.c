/* qtls-wait: holds the doors of a qtls that nobody needs yet, and becomes it when somebody
 * calls. A starter for clients with its libraries and the system's CAs is 2.5 MB; hosts
 * that seldom send mail to others have better use for them.
 *
 * Who:     quoint, in the place of `qtls -c`, which takes its place again when it has had
 *          no session for -w seconds.
 * Trusts:  nobody; it reads no byte and accepts nobody. Its sandbox is that of a starter,
 *          who inherits it.
 *
 *	run/NAME/sock of the words	callers, who wait in the queue of the socket
 *	2				log
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "catch.h"
#include "clock.h"
#include "fdio.h"
#include "heir.h"
#include "jail.h"
#include "prog.h"
#include "ready.h"
#include "words.h"

enum { PAUSE_MS = 1000 };

extern const struct jail_profile jail_qtls;

static struct doors doors;
static struct crowd nobody; /* a starter comes back here when it has no session left */

static void open_doors(int heir)
{
	const char *failed;

	if (heir != -1 && heir_load(heir, &doors, &nobody) == -1)
		die_sys(EXIT_TEMP, "take over");
	if (doors_open(&doors, &failed) == -1)
		die_sys2(EXIT_TEMP, "listen at run directory", failed);
}

/* Not for SIGHUP: all is read anew anyway. */
static void take_signals(int signals)
{
	int sig;

	while ((sig = sigfd_next(signals)) != 0)
		if (sig != SIGHUP)
			exit(0);
}

/* 1: somebody calls. */
static int wait_for_caller(int signals)
{
	struct pollfd p[1 + DOORS_MAX] = {{signals, POLLIN, 0}};

	for (size_t i = 0; i < doors.n; i++)
		p[1 + i] = (struct pollfd){doors.door[i].fd, POLLIN, 0};
	if (poll(p, 1 + doors.n, -1) == -1)
		return 0;
	if (p[0].revents == 0)
		return 1;
	take_signals(signals);
	return 0;
}

int main(int argc, char **argv)
{
	static const int caught[] = {SIGHUP, SIGTERM, SIGINT, 0};
	struct words words = {.doors = &doors, .idle = WORDS_IDLE};
	char path[LIMIT_PATH];
	const char *program;
	int signals;

	prog_init("qtls-wait");
	if (fd_fill_std() == -1)
		die_sys(EXIT_TEMP, "open /dev/null");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		die_sys(EXIT_TEMP, "become undumpable");
	words_read(&words, "qtls-wait" WORDS_USAGE, argc, argv);
	program = words_program(argv[0], "qtls", path);
	signals = catch_signals(caught, NULL);
	open_doors(words.heir);
	if (jail_enter(&jail_qtls) == -1)
		die_sys(EXIT_TEMP, "close the sandbox");
	ready_notify(words.notify);
	for (;;) {
		if (!wait_for_caller(signals))
			continue;
		(void)heir_make(program, words.argv, words.place, &doors, &nobody);
		warn_sys2("run", program);
		(void)poll(NULL, 0, PAUSE_MS);
	}
}
