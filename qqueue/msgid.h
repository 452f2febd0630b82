/* msgid: the Message-ID of a message as it passes by, for the log: the one thing that
 * qqueue looks for in a message, so that a message can be found in the logs by the name
 * that its sender knows, whichever way it came.
 *
 * Constant memory, any bytes, in pieces of any size. The value is the first word of the
 * first such field of the header, cut at LIMIT_MSGID bytes; "" while there is none.
 */
#ifndef QQUEUE_MSGID_H
#define QQUEUE_MSGID_H

#include <stddef.h>

enum { LIMIT_MSGID = 250 };

struct msgid {
	enum {
		MSGID_NAME,  /* `at` bytes of a line were those of the field's name */
		MSGID_SKIP,  /* the rest of a line */
		MSGID_VALUE, /* behind the colon */
		MSGID_FOLD,  /* the same, at the begin of the next line */
		MSGID_DONE,
	} state;
	size_t at;
	size_t len;
	char value[LIMIT_MSGID + 1];
};

void msgid_init(struct msgid *m);
void msgid_add(struct msgid *m, const char *p, size_t n);

#endif
