/* except: turns a program's exit code round.
 *
 * Runs as the user, from a dot-file: exit 100 when the program exits 0, 111 when it
 * exits 111, else 0.
 */
#include "cmd.h"
#include "prog.h"

int main(int argc, char **argv)
{
	int code;

	prog_init("except");
	if (argc < 2)
		die_usage("except program [argument ...]");
	code = cmd_run(argv + 1);
	if (code == EXIT_TEMP)
		return EXIT_TEMP;
	return code == 0 ? EXIT_PERM : 0;
}
