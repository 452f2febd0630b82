/* condredirect: forwards the message and stops the dot-file, if a program says so.
 *
 * Runs as the user, from a dot-file. The program gets the message on descriptor 0: exit
 * 0 forwards (and condredirect exits 99), 111 is temporary, anything else means no (and
 * condredirect exits 0).
 */
#include "args.h"
#include "cmd.h"
#include "prog.h"
#include "program.h"

int main(int argc, char **argv)
{
	static const char usage[] =
	    "condredirect [-C dir] address program [argument ...]";
	int code;
	int first;

	prog_init("condredirect");
	first = args(usage, args_none, argc, argv);
	if (argc - first < 2)
		die_usage(usage);
	code = cmd_run(argv + first + 1);
	if (code == EXIT_TEMP)
		return EXIT_TEMP;
	if (code != 0)
		return 0;
	cmd_forward((char *[]){argv[first], NULL});
	return EXIT_STOP;
}
