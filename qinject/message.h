/* message: a message from standard input, header and body apart.
 *
 * The header is kept in memory (LIMIT_HEADER), the body in a spool. A first line
 * "From ..." of an mbox is dropped. Where a line that is no field stands in the
 * header, the body begins. The last line gets its LF if it had none.
 * Errors: -1 and a fail() record; a NUL in the header is one of them.
 */
#ifndef QUOIN_MESSAGE_H
#define QUOIN_MESSAGE_H

#include "input.h"
#include "sbuf.h"
#include "spool.h"

enum message_end {
	END_EOF, /* only at the end of file */
	END_DOT, /* also at a line that is a dot */
	END_SMTP /* at a line that is a dot; a dot in front of a line is taken away
		  * (RFC 5321 4.5.2); the end of file is an error */
};

struct message {
	struct sbuf header;
	struct spool body;
};

void message_init(struct message *m);
void message_clear(struct message *m);
int message_read(struct message *m, struct input *in, enum message_end end);

/* The same without a header: every byte goes to the body. */
int message_read_whole(struct message *m, struct input *in);

#endif
