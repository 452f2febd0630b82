/* options: the command line of sendmail, as its callers of forty years write it.
 *
 * Options end at the first other word or at `--`. What is not known is passed over,
 * with the rest of its word. No argument may hold a control character.
 * Errors: -1 and a fail() record.
 */
#ifndef QUOIN_OPTIONS_H
#define QUOIN_OPTIONS_H

#include "qlimits.h"

enum mode { MODE_DELIVER, MODE_SMTP, MODE_LIST, MODE_ALIASES };

struct options {
	enum mode mode;
	int from_header;             /* -t */
	int dots;                    /* -i, -oi: a dot alone is a line like others */
	int verbose;                 /* -v */
	int queue_run;               /* -q */
	const char *sender;          /* -f, -r */
	const char *name;            /* -F */
	unsigned notify;             /* -N: NOTIFY_..., or 0 */
	char ret;                    /* -R: F, H or 0 */
	char envid[LIMIT_ENVID + 1]; /* -V, xtext */
	char *const *recips;         /* NULL-ended */
};

/* argv[0] is skipped; o holds defaults (mode by the program's name). */
int options_parse(struct options *o, char *const argv[]);

#endif
