/* qctl-queue: the queue's keeper.
 *
 * Runs as:  whoever calls it. run/qsend-ctl decides who may do more than list his own
 *           submissions.
 * Reads:    what qsend answers (lib/keeper.h); as root, for show, check, repair, move
 *           and take, the queue itself.
 * Writes:   standard output, with foreign bytes escaped; for move and take whole files, in
 *           an order that no crash turns into a message lost or one that is delivered
 *           from two places (ARCHITECTURE.md, "Messages between hosts").
 * Never:    touches a file that qsend works with, while it runs.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "prog.h"
#include "queue.h"

static const char usage[] = "qctl-queue [-C dir] list [-q] [filter | id ...] | show id | "
			    "hold|release|retry|delete [-qn] filter | id ... | move "
			    "[-qn] filter | id ... to dir | "
			    "take [-qn] dir | check [--json] | repair [--json] | stat | "
			    "pause local|remote | cont local|remote";

_Noreturn void die_queue_usage(void)
{
	die_usage(usage);
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
    {"list", do_list},   {"show", do_show},    {"hold", do_act},  {"release", do_act},
    {"retry", do_act},   {"delete", do_act},   {"move", do_move}, {"take", do_take},
    {"check", do_check}, {"repair", do_check}, {"stat", do_stat}, {"pause", do_pause},
    {"cont", do_pause},
};

int main(int argc, char **argv)
{
	int first;

	prog_init("qctl-queue");
	first = args(usage, args_none, argc, argv);
	if (first == argc)
		die_usage(usage);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		int code;

		if (strcmp(verbs[i].name, argv[first]) != 0)
			continue;
		code = verbs[i].run(argc - first, argv + first);
		if (fflush(stdout) == EOF || ferror(stdout))
			die_sys(EXIT_TEMP, "write");
		return code;
	}
	die_usage(usage);
}
