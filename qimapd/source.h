/* source: a message's file while it is being answered, by one buffer.
 *
 * A file of less than SOURCE_BUF bytes is read at once, by open, pread and close where its name says its
 * size (S=); of a larger one there is a window. What
 * source_at() gives dies at the next one. The buffer is taken at the first use and given back by
 * source_done(), at the command's end: an idle session has none.
 * Errors: -1 with errno: ENOENT it is gone, EINVAL it is no regular file, what read() says.
 */
#ifndef QIMAPD_SOURCE_H
#define QIMAPD_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SOURCE_BUF = 131072 };

struct source_id { /* the file, wherever it is renamed to */
	dev_t dev;
	ino_t ino;
	int64_t sec, nsec;
	uint64_t size;
};

struct source {
	int fd; /* -1: none is open */
	int has_id;
	struct source_id id;
	uint64_t size;
	char *buf;
	uint64_t start; /* of the window */
	size_t have;
};

#define SOURCE_NONE      \
	{                \
		.fd = -1 \
	}

int source_open(struct source *s, size_t i); /* ordinal */
void source_close(struct source *s);
void source_done(struct source *s);

/* The bytes from offset on, at least one: their number; 0: the end. */
ssize_t source_at(struct source *s, uint64_t offset, const char **p);

/* What file it is; that costs a call. */
int source_identity(struct source *s, struct source_id *id);
int source_same(const struct source_id *a, const struct source_id *b);

/* Where the header ends, behind its empty line; without one it is all there is. */
int source_header(struct source *s, uint64_t *end);

/* n bytes from start on in one piece: in the window, or in spare (which is emptied). -1 also with ENOMEM,
 * EMSGSIZE, and EIO when the file has become shorter. */
struct sbuf;
int source_piece(struct source *s, uint64_t start, size_t n, struct sbuf *spare,
		 const char **p);

#endif
