/* said: what a child writes to its standard error, on its way into our log.
 *
 * The child is its user's and may write anything. Each line becomes one line of ours,
 * with user and pid in front and foreign bytes escaped; of more than 20 lines at once,
 * or 5 a second, only the number is logged. Nobody forges a line.
 */
#ifndef QUOIN_SAID_H
#define QUOIN_SAID_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "qlimits.h"

struct said {
	int fd; /* -1 at the end of file */
	const char *user;
	pid_t pid;
	size_t len;
	char line[LIMIT_TEXT];
	int long_line; /* the rest of the line is passed over */
	unsigned budget;
	unsigned dropped;
	int64_t filled; /* when the budget was last added to */
};

/* user must live as long. */
void said_init(struct said *s, int fd, const char *user, pid_t pid);

/* Read once what is there. */
void said_read(struct said *s);

/* What is there still, then close. */
void said_end(struct said *s);

#endif
