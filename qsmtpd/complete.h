/* complete: adds the fields that a submitted message lacks (RFC 6409 8): Date,
 * Message-ID, From, at the end of its header, while the message streams by. Nothing that
 * is there is changed, and nothing is collected but the name of one field.
 *
 * The header ends as in lib/hdr822.h: at an empty line, at the first line that is no
 * field (an empty line is put before it), or with the message.
 */
#ifndef QSMTPD_COMPLETE_H
#define QSMTPD_COMPLETE_H

#include <stddef.h>
#include <time.h>

enum { LIMIT_FIELDNAME = 998 }; /* RFC 5322 2.1.1: a line */

struct complete {
	void (*sink)(void *arg, const char *p, size_t n);
	void *arg;
	/* What is added; from: kept form, "" for none. */
	const char *id;
	const char *idhost;
	const char *from;
	time_t when;

	enum {
		COMPLETE_BOL,   /* at the begin of a line of the header */
		COMPLETE_NAME,  /* in what may be a field's name: it is held */
		COMPLETE_COLON, /* in the blanks behind it */
		COMPLETE_REST,  /* behind the colon */
		COMPLETE_BODY
	} state;
	unsigned seen;
	size_t fields;
	size_t name; /* bytes of held that are the name */
	size_t held;
	char hold[LIMIT_FIELDNAME];
};

/* sink, arg, id, idhost, from and when are there. */
void complete_init(struct complete *c);

/* Bytes of the message, LF line ends. */
void complete_add(struct complete *c, const char *p, size_t n);

/* The message is over. */
void complete_end(struct complete *c);

#endif
