/* logout: whole lines to standard error, which is a pipe to s6-log.
 *
 * A line is one write of at most LIMIT_LOGLINE bytes, so that lines of several processes
 * never mix. Who holds his lines back sends several in one such write: at logout_flush(),
 * or when the next one does not fit. What must not be remembered before it is told, flush
 * first; before a fork as well. Errors: none; who reads the log is not our business.
 */
#ifndef QUOIN_LOGOUT_H
#define QUOIN_LOGOUT_H

#include <stddef.h>

/* n bytes, their line feed among them. */
void logout_line(const char *p, size_t n);

/* From now on lines are held back. */
void logout_hold(void);
void logout_flush(void);

#endif
