/* notice: one notification, in a process of its own, from a queue file and its journal
 * to qqueue.
 */
#ifndef QSEND_NOTICE_H
#define QSEND_NOTICE_H

#include <stdint.h>

#include "bounce.h"

struct notice_job {
	const struct bounce_settings *settings;
	struct bounce_frame frame; /* J or W */
	int queue_file;
	int journal;
	int socket;   /* to qsend: the report */
	int lifeline; /* at its end nothing is submitted any more */
};

/* Makes it, tells qsend, ends the process. */
_Noreturn void notice(const struct notice_job *job);

#endif
