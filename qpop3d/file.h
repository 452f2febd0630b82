/* file: a message's file, from its opening to its last byte.
 *
 * Its beginning is read when it is opened: what cannot be read is known before the client
 * was told that it comes. A file as long as its name says (S=) costs one read and no look;
 * one that grew, shrank or says nothing is read to its end, whatever that is then.
 * Owner:  file_close() after a file_open() that gave 0. One at a time: they share a buffer.
 */
#ifndef QPOP3D_FILE_H
#define QPOP3D_FILE_H

#include <stddef.h>
#include <stdint.h>

struct box;
struct wire;

enum { FILE_CHUNK = 65536 };

struct file {
	int fd;
	size_t have; /* bytes of it that are read and not yet sent */
	uint64_t at; /* where the next ones are */
	int is_whole;
};

/* -1 with errno: ENOENT it is gone; EINVAL it is no plain file, which is never waited for. */
int file_open(struct file *f, struct box *b, size_t i);
void file_close(struct file *f);

/* All of it, or as much as w wants, with the dot: 0; -1 the client is lost; -2 with errno:
 * it cannot be read on, and there was no dot. */
int file_send(struct file *f, struct wire *w, int64_t idle_ms);

#endif
