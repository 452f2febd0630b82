/* append: one APPEND, message by message (cmd_append.c for the command).
 *
 * A message that is too large, or that finds no room, is refused before it is invited. Who refuses has read
 * the rest of the command past and has answered, or the session is over.
 */
#ifndef QIMAPD_APPEND_H
#define QIMAPD_APPEND_H

#include "maildir/put.h"
#include "session.h"

struct append {
	struct command *c;
	char name[FOLDER_NAME + 1];
	int dir;
	struct put *put[PUT_MAX];
	size_t n;
	uint64_t bytes; /* of all, as they come */
	int is_utf8;    /* the message at hand stands in UTF8 (…) */
};

/* What is in front of a message. */
struct append_head {
	unsigned flags;
	const char **keywords;
	int64_t date;
};

void append_refuse(struct append *a, const char *code, const char *why);
void append_refuse_errno(struct append *a, const char *what);
void append_refuse_bad(struct append *a, const char *why);

/* The message that c->in stands before, durable in tmp/: 0, or -1: the client has its answer. */
int append_message(struct append *a, const struct append_head *h);

#endif
