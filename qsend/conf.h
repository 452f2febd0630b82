/* conf: the control files of qsend. Read at start and at SIGHUP; locals,
 * virtualdomains and their like are lib/route.h's.
 */
#ifndef QSEND_CONF_H
#define QSEND_CONF_H

#include <stdint.h>

enum { CONCURRENCY_MAX = 1000 };

struct conf {
	unsigned concurrency[2]; /* by enum route_kind; 0: hold */
	uint64_t lifetime;       /* queuelifetime, seconds */
	int qmail_log;           /* logstyle */
};

/* -1 if a file is faulty: *c is then untouched, control_error() says why. */
__attribute__((warn_unused_result)) int conf_load(struct conf *c);

/* What control_error() cannot say: the last fault in words. */
const char *conf_error(void);

#endif
