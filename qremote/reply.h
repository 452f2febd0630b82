/* reply: a server's answer (RFC 5321 4.2), line by line.
 *
 * Limits: LIMIT_REPLYLINES lines; LIMIT_REPLY bytes of text are kept, the rest is
 *         read and forgotten.
 * Bytes:  any; the text goes through escape_text() before anybody sees it.
 */
#ifndef QREMOTE_REPLY_H
#define QREMOTE_REPLY_H

#include <stddef.h>

#include "qlimits.h"

struct reply {
	int code; /* 100..599, or 0 before the first line */
	unsigned lines;
	size_t len;
	char text[LIMIT_REPLY]; /* lines behind their codes, LF between them */
};

void reply_begin(struct reply *r);

/* One line without its end. 1: that was the last one, 0: more follow, -1 with EBADMSG: no
 * such line, another code than before, or too many. */
int reply_line(struct reply *r, const char *line, size_t n);

/* In the answer to EHLO: is there a line with this keyword? Its first argument goes to
 * arg ("" if none; size > 0). */
int reply_has(const struct reply *r, const char *keyword, char *arg, size_t size);

/* Does such a line name the word among its arguments? Case is free. */
int reply_lists(const struct reply *r, const char *keyword, const char *word);

/* Does its enhanced status (RFC 3463 2) begin with these bytes ("4.7.")? */
int reply_is_status(const struct reply *r, const char *prefix);

/* "550 5.1.1 no such user": one clean line, a repeated enhanced code left out. */
void reply_text(const struct reply *r, char out[LIMIT_TEXT + 1]);

#endif
