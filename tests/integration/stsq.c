/* stsq DIR DOMAIN [MS]: asks qsts by lib/stsask, for test_sts.py. Prints the mode and
 * what belongs to it, or "away" and why. MS: the deadline. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "stsask.h"

int main(int argc, char **argv)
{
	static struct sts_policy p;
	int64_t deadline = CLOCK_NEVER;
	uint64_t ms = 0;

	prog_init("stsq");
	if (argc < 3 || paths_under(argv[1]) == -1)
		die_usage("stsq DIR DOMAIN [MS]");
	if (argc > 3 && num_parse(argv[3], 100000, &ms) == -1)
		die_usage("stsq DIR DOMAIN [MS]");
	if (argc > 3)
		deadline = clock_mono_ms() + (int64_t)ms;
	if (stsask(argv[2], &p, deadline) == -1) {
		printf("away %s\n", strerror(errno));
		return 0;
	}
	printf("%c %s%s", p.mode, p.id, p.text);
	for (size_t i = 0; i < p.nmx; i++)
		printf(" %s", p.mx[i]);
	putchar('\n');
	return 0;
}
