/* io_int: between io.c (input), io_out.c (output) and io_deflate.c (compression).
 * Owner: static storage, but for zlib's memory, which lives as long as the process.
 */
#ifndef QIMAPD_IO_INT_H
#define QIMAPD_IO_INT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Of the socket: bytes, 0 at its end, -1 with ETIMEDOUT. */
ssize_t io_receive(void *p, size_t n, int64_t deadline);
void io_send(const char *p, size_t n);

void io_out_init(int fd);
/* What is collected goes; end: the client needs it now. */
void io_spill(int end);
int io_out_fd(void);

/* n bytes that had come in clear belong to the deflated stream. -1 with ENOMEM. */
int deflate_begin(const char *p, size_t n);
int deflate_is_on(void);
void deflate_send(const char *p, size_t n, int flush);
/* Inflated bytes; as io_receive(). wait 0: what is there without reading, or 0. */
ssize_t deflate_receive(void *p, size_t n, int wait, int64_t deadline);

#endif
