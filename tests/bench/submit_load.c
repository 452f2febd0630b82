/* submit_load: submits messages to a running qqueue over several connections and says
 * how many a second.
 *
 *	submit_load -C DIR [-n MESSAGES] [-k CONNECTIONS] [-s BYTES]
 *
 * Prints: messages, seconds, messages a second. One process a connection.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "submit.h"

static const char usage[] =
    "submit_load -C dir [-n messages] [-k connections] [-s bytes]";
static const char envelope[] = "Fload@bench.example\0Tsink@bench.example";

enum { DEADLINE_MS = 120 * 1000, CONNECTIONS_MAX = 1000 };

static void submit_all(uint64_t count, const char *message, size_t size)
{
	static struct submit s;
	char answer;

	if (submit_open(&s, clock_mono_ms() + DEADLINE_MS) == -1)
		die_sys(EXIT_TEMP, "connect");
	while (count-- > 0) {
		if (submit_envelope(&s, envelope, sizeof envelope) == -1 ||
		    submit_data(&s, message, size) == -1 ||
		    submit_commit(&s, &answer) == -1)
			die_sys(EXIT_TEMP, "submit");
		if (answer != 'K')
			die_msg(EXIT_TEMP, "%c %s", answer, s.text);
	}
	submit_close(&s);
}

static uint64_t number(const char *arg, uint64_t max)
{
	uint64_t n;

	if (num_parse(arg, max, &n) == -1 || n == 0)
		die_usage(usage);
	return n;
}

static int wait_for_all(void)
{
	int failed = 0;
	int status;

	while (wait(&status) > 0)
		failed |= status;
	return failed != 0;
}

int main(int argc, char **argv)
{
	uint64_t n = 5000, k = 20, size = 4096;
	int64_t begin;
	char *message;
	int c;

	prog_init("submit_load");
	while ((c = getopt(argc, argv, "C:n:k:s:")) != -1) {
		if (c == 'C' && paths_under(optarg) == -1)
			die_sys2(EXIT_PERM, "use directory", optarg);
		else if (c == 'n')
			n = number(optarg, 100000000);
		else if (c == 'k')
			k = number(optarg, CONNECTIONS_MAX);
		else if (c == 's')
			size = number(optarg, LIMIT_MESSAGE);
		else if (c == '?')
			die_usage(usage);
	}
	message = malloc(size);
	if (message == NULL)
		die_sys(EXIT_TEMP, "allocate");
	memset(message, 'x', size);
	begin = clock_mono_ms();
	for (uint64_t i = 0; i < k; i++) {
		pid_t pid = fork();

		if (pid == -1)
			die_sys(EXIT_TEMP, "fork");
		if (pid == 0) {
			submit_all(n / k, message, size);
			_exit(0);
		}
	}
	if (wait_for_all())
		die_msg(EXIT_TEMP, "a connection failed");
	begin = clock_mono_ms() - begin;
	n = n / k * k;
	(void)printf("messages=%llu seconds=%.2f rate=%.0f\n", (unsigned long long)n,
		     (double)begin / 1000,
		     (double)n * 1000 / (double)(begin ? begin : 1));
	free(message);
	return 0;
}
