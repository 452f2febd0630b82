/* head: the header of a message while it streams by, in pieces of any size.
 *
 * Passes all bytes on but the Return-Path fields (with their continuation lines), of
 * which a delivered message has exactly one, ours; and sees whether a Delivered-To
 * field names the recipient already: the message loops. Lines that are longer than
 * LIMIT_HEADLINE are passed on whole, but not compared.
 * Errors: -1 when the sink gave -1.
 */
#ifndef QLOCAL_HEAD_H
#define QLOCAL_HEAD_H

#include <stddef.h>

#include "qlimits.h"

enum { LIMIT_HEADLINE = LIMIT_ADDRESS + 64 };

/* Takes a piece of the message: 0, or -1. */
typedef int message_sink(void *arg, const void *p, size_t n);

struct head {
	const char *to; /* whom Delivered-To must not name */
	int in_body;
	int dropping; /* the field that the last line belonged to */
	int split;    /* within a line whose fate is decided */
	int loops;
	size_t n;
	char line[LIMIT_HEADLINE];
};

void head_init(struct head *h, const char *to);
int head_take(struct head *h, const char *p, size_t n, message_sink *sink, void *arg);

/* The message has ended: a last line without its line end goes out. */
int head_end(struct head *h, message_sink *sink, void *arg);

#endif
