/* input: standard input by lines. CR LF becomes LF; a CR anywhere else becomes a
 * space, so that no later program sees a line end where we saw none.
 *
 * A line comes in pieces if it is longer than the buffer.
 * Owner: the pieces point into the buffer and die at the next call.
 */
#ifndef QUOIN_INPUT_H
#define QUOIN_INPUT_H

#include <stddef.h>

enum { INPUT_BUFFER = 65536 };

struct input {
	int fd;
	size_t at;
	size_t len;
	int in_line; /* the last piece did not end its line */
	char buf[INPUT_BUFFER];
};

struct piece {
	char *p; /* without its line end */
	size_t n;
	int begins; /* a line */
	int ends;   /* a line: an LF was there, or the end of file behind some bytes */
};

void input_init(struct input *in, int fd);

/* 1 a piece, 0 the end of file, -1 with errno. */
int input_piece(struct input *in, struct piece *piece);

#endif
