/* qctl-check: says what is wrong with this Quoin, and what mends it.
 *
 * Who:    the admin (root sees all, others what they may read). Nothing is changed,
 *         nothing is asked, no check stops another.
 * Exit:   0 nothing wrong, 1 problems, 100 usage, 111 the output was not written.
 */
#include <getopt.h>
#include <stdlib.h>

#include "checks.h"
#include "finding.h"
#include "paths.h"
#include "prog.h"

const char *private_home;

static const struct check {
	const char *name;
	void (*run)(void);
} checks[] = {
    {"modes", check_modes},           {"programs", check_programs},
    {"control", check_control},       {"domains", check_domains},
    {"remote", check_remote},         {"tables", check_tables},
    {"aliases", check_aliases},       {"queue", check_queue},
    {"system", check_system},         {"tls", check_tls},
    {"login", check_login},           {"accounts", check_accounts},
    {"submission", check_submission}, {"reading", check_reading},
};

static const struct option longs[] = {
    {"json", no_argument, NULL, 'j'},
    {NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
	int opt, json = 0, found;

	prog_init("qctl-check");
	while ((opt = getopt_long(argc, argv, "C:", longs, NULL)) != -1) {
		if (opt == 'j') {
			json = 1;
		} else if (opt == 'C') {
			private_home = optarg;
			if (paths_under(optarg) == -1)
				die_sys2(EXIT_PERM, "use directory", optarg);
		} else {
			die_usage("qctl check [--json]");
		}
	}
	if (optind != argc)
		die_usage("qctl check [--json]");
	finding_begin(json);
	for (size_t i = 0; i < sizeof checks / sizeof *checks; i++) {
		finding_check(checks[i].name);
		checks[i].run();
	}
	found = finding_end();
	if (found == -1)
		die_sys(EXIT_TEMP, "write");
	return found > 0;
}
