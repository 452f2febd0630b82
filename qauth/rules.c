#include "rules.h"

#include <stdlib.h>

#include "ask.h"
#include "control.h"

enum { CHECKERS = 20, CHECKERS_MAX = 200, SECONDS = 30, SECONDS_MAX = 60 };
enum { SERVERS = 1000, EACH = 50 };

struct rules rules;

int rules_load(unsigned builtin)
{
	uint64_t checkers = CHECKERS;
	uint64_t seconds = SECONDS;
	uint64_t servers = SERVERS;
	uint64_t each = EACH;
	char *line = NULL;

	if (control_num("checkers", CHECKERS_MAX, &checkers) == -1 ||
	    control_num("checkertimeout", SECONDS_MAX, &seconds) == -1 ||
	    control_num("sessions", SERVERS_RUN, &servers) == -1 ||
	    control_num("usersessions", SERVERS_RUN, &each) == -1 ||
	    control_line("checkpassword", &line) == -1)
		return -1;
	free(rules.checker);
	rules.checker = line;
	rules.judges = line == NULL ? builtin : checkers > 0 ? (unsigned)checkers : 1;
	rules.servers = (unsigned)servers;
	rules.each = (unsigned)each;
	rules.ms = (int64_t)(seconds > 0 ? seconds : 1) * 1000;
	return 0;
}
