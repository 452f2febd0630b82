/* start: what it costs to start a program and to see its end, before it did anything.
 *
 *	start N PROGRAM [ARG ...]	starts it N times, one after another: ms each
 *	start nothing			ends at once
 *	start jail			ends at once, in the sandbox of qsmtpd
 *
 * The Makefile links it three ways ($(B)/tests/start, start_static, start_dynamic), so
 * that each can measure the others; `bench start` does.
 */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "jail.h"
#include "num.h"
#include "prog.h"

extern const struct jail_profile jail_qsmtpd;

static void start_one(char **program)
{
	int status;
	pid_t pid;

	/* As qlisten does. */
	/* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork) */
	pid = vfork();
	if (pid == 0) {
		execv(program[0], program);
		_exit(EXIT_TEMP);
	}
	if (pid == -1 || waitpid(pid, &status, 0) != pid || status != 0)
		die_sys2(EXIT_TEMP, "run", program[0]);
}

static double measure(uint64_t n, char **program)
{
	int64_t begin = clock_mono_ms();

	for (uint64_t i = 0; i < n; i++)
		start_one(program);
	return (double)(clock_mono_ms() - begin) / (double)n;
}

int main(int argc, char **argv)
{
	uint64_t n;

	prog_init("start");
	if (argc == 2 && strcmp(argv[1], "nothing") == 0)
		return 0;
	if (argc == 2 && strcmp(argv[1], "jail") == 0)
		return jail_enter(&jail_qsmtpd) == -1 ? EXIT_TEMP : 0;
	if (argc < 3 || num_parse(argv[1], 1000000, &n) == -1 || n == 0)
		die_usage("start N PROGRAM [ARG ...]");
	printf("%.3f\n", measure(n, argv + 2));
	return 0;
}
