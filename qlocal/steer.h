/* steer: the program half of qlocal: reads dot-files and aliases, runs programs, and
 * has the jailed half do whatever needs the message.
 *
 * Ends with the other half: end of file on pair.
 */
#ifndef QLOCAL_STEER_H
#define QLOCAL_STEER_H

#include "settings.h"

struct steer {
	int pair; /* to the jailed half */
	int home;
	const char *user;
	const char *home_path;
	struct settings settings;
};

_Noreturn void steer_serve(struct steer *s);

#endif
