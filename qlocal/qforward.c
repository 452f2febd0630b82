/* qforward (also as `forward`): forwards the message to other addresses.
 *
 * Runs as the user, from a dot-file. Reads the message on descriptor 0 and NEWSENDER and
 * DTLINE of qlocal; asks qqueue. Exit 0, 100 or 111.
 */
#include "args.h"
#include "cmd.h"
#include "prog.h"

int main(int argc, char **argv)
{
	static const char usage[] = "forward [-C dir] address ...";
	int first;

	prog_init("forward");
	first = args(usage, args_none, argc, argv);
	if (first == argc)
		die_usage(usage);
	cmd_forward(argv + first);
	return 0;
}
