/* transcript: what was said last in a session, for the log when it failed.
 *
 * Commands and replies as they went over the wire, never a byte of a message; of a
 * command that carries a secret the caller adds the verb alone.
 * Limits: TRANSCRIPT_LINES lines, each cut at TRANSCRIPT_LINE bytes; older ones go.
 * Bytes:  any; the log escapes them.
 */
#ifndef QREMOTE_TRANSCRIPT_H
#define QREMOTE_TRANSCRIPT_H

#include <stddef.h>

enum { TRANSCRIPT_LINES = 16, TRANSCRIPT_LINE = 200 };

struct transcript {
	size_t n; /* all that were added */
	struct {
		char who; /* c client, s server */
		unsigned char len;
		char text[TRANSCRIPT_LINE];
	} line[TRANSCRIPT_LINES];
};

void transcript_add(struct transcript *t, char who, const char *p, size_t n);

/* A log line "transcript" for each. */
void transcript_log(const struct transcript *t, const char *id, const char *host,
		    const char *ip);

#endif
