/* settings: what qlocal reads at its start: control/defaultdelivery and
 * control/programtimeout and control/overquota.
 *
 * Owner:  settings_free(). Errors: -1; control_error() says what.
 */
#ifndef QLOCAL_SETTINGS_H
#define QLOCAL_SETTINGS_H

#include "localjob.h"

enum {
	PROGRAM_SECONDS = 1200,                     /* the default */
	PROGRAM_SECONDS_MAX = LOCALJOB_SECONDS - 60 /* we must end it, not qlspawn */
};

struct settings {
	char *delivery; /* lines as in a dot-file */
	int is_maildir; /* delivery is one Maildir below the home */
	unsigned program_seconds;
	int full_is_final; /* a mailbox over its quota: 5.2.2, and not 4.2.2 */
};

__attribute__((warn_unused_result)) int settings_read(struct settings *s);

/* delivery as an argument gives it (a dry run). */
__attribute__((warn_unused_result)) int settings_delivery(struct settings *s,
							  const char *text);

void settings_free(struct settings *s);

#endif
