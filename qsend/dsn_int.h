/* dsn_int: how a notification is written: the lines, and its two formats. */
#ifndef QSEND_DSN_INT_H
#define QSEND_DSN_INT_H

#include "dsn.h"
#include "qlimits.h"

enum { CLEAN_SIZE = 2 * LIMIT_ADDRESS };

struct out {
	dsn_put *put;
	void *arg;
	int failed;
};

__attribute__((format(printf, 2, 3))) void out_say(struct out *o, const char *fmt, ...);

/* From Date to Auto-Submitted. */
void out_header(struct out *o, const struct dsn *d);

/* An address on a line of ours: in SMTP's form, one line, printable. */
const char *out_address(char out[CLEAN_SIZE], const char *address);

/* Words, escape_text(). */
const char *out_text(char out[LIMIT_TEXT + 1], const char *text);

/* mime.c: up to the original, and the same of qmail's format (qsbmf.c). */
void mime_begin(struct out *o, const struct dsn *d);
void qsbmf_begin(struct out *o, const struct dsn *d);

#endif
