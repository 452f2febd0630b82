/* reader: the jailed half of qlocal: takes jobs from qlspawn, reads messages, writes
 * Maildirs and mboxes, and reports.
 *
 * Mail for the bare user without a .qmail goes its whole way in here. For everything
 * else the program half is asked what to do, step by step; where there is none, because
 * the first job needed none, such a job goes back to qlspawn.
 *
 *	reader_take(&r)		the first job, before the sandbox
 *	reader_is_plain(&r)	does it need no program half?
 *	reader_serve(&r)	it and all others
 */
#ifndef QLOCAL_READER_H
#define QLOCAL_READER_H

#include "settings.h"

struct reader {
	int socket; /* to qlspawn */
	int pair;   /* to the program half, or -1 */
	int home;   /* -1: it could not be opened, and home_error says why */
	const char *home_path;
	int home_error;
	const struct settings *settings;
};

/* The end of file, or a job that is not understood, ends the process. */
void reader_take(const struct reader *r);
int reader_is_plain(const struct reader *r);
_Noreturn void reader_serve(const struct reader *r);

/* In the program half, forked with a job at hand: close its queue file. */
void reader_forget(void);

#endif
