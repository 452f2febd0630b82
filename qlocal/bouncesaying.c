/* bouncesaying: bounces the message with a text, if a program says so or without one.
 *
 * Runs as the user, from a dot-file. The program gets the message on descriptor 0: exit
 * 0 bounces (100), 111 is temporary, anything else means no (0).
 */
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cmd.h"
#include "fdio.h"
#include "prog.h"

int main(int argc, char **argv)
{
	int code = 0;

	prog_init("bouncesaying");
	if (argc < 2)
		die_usage("bouncesaying text [program [argument ...]]");
	if (argc > 2)
		code = cmd_run(argv + 2);
	if (code == EXIT_TEMP)
		return EXIT_TEMP;
	if (code != 0)
		return 0;
	if (fd_write_full(1, argv[1], strlen(argv[1]), CLOCK_NEVER) == -1 ||
	    fd_write_full(1, "\n", 1, CLOCK_NEVER) == -1)
		return EXIT_TEMP;
	return EXIT_PERM;
}
