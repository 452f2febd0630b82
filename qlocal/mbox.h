/* mbox: appends one message to an mbox file.
 *
 * A From_ line, the message with every line that looks like one quoted (`>` before
 * ">*From "), a blank line; under fcntl and flock locks, synced. On any failure the
 * file is cut back to what it was.
 */
#ifndef QLOCAL_MBOX_H
#define QLOCAL_MBOX_H

#include <stdint.h>

#include "wbuf.h"

/* The quoting alone: a sink for message_copy(). */
struct mbox_out {
	struct wbuf *w;
	int in_line;   /* behind the place where "From " would stand */
	size_t quotes; /* `>` seen at the beginning of this line */
	size_t from;   /* bytes of "From " seen behind them */
	char last;     /* last byte */
};
void mbox_out_init(struct mbox_out *o, struct wbuf *w);
int mbox_out_put(void *o, const void *p, size_t n);
int mbox_out_end(struct mbox_out *o);

enum { MBOX_LOCK_SECONDS = 30 };

struct answer;
/* Open path below the directory base (0600 if it is new) and lock it: a descriptor at
 * its end and *end, or -1 with a. A link, FIFO or device is refused. */
int mbox_open(int base, const char *path, int64_t *end, struct answer *a);

/* Put what is missing of a blank line before end. */
int mbox_separate(int fd, int64_t end, struct wbuf *w);

#endif
