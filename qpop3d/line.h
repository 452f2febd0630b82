/* line: a client's lines, where they stand in the session's buffer.
 */
#ifndef QPOP3D_LINE_H
#define QPOP3D_LINE_H

#include "session.h"

/* The next line of n bytes, without its end and with a NUL behind it, or NULL: over says why. Before it
 * waits, what was said goes out. Dies at the next call. */
char *session_line(struct session *s, size_t *n);

#endif
