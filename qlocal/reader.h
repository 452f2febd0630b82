/* reader: the jailed half of qlocal: takes jobs from qlspawn, reads messages, writes
 * Maildirs and mboxes, and reports.
 *
 * Mail for the bare user without a .qmail goes its whole way in here. For everything
 * else the program half is asked what to do, step by step.
 */
#ifndef QLOCAL_READER_H
#define QLOCAL_READER_H

#include "settings.h"

struct reader {
	int socket; /* to qlspawn */
	int pair;   /* to the program half */
	int home;   /* -1: it could not be opened, and home_error says why */
	const char *home_path;
	int home_error;
	const struct settings *settings;
};

_Noreturn void reader_serve(struct reader *r);

#endif
