/* transfer_int: quoted-printable, for transfer.c alone.
 *
 * Errors: -1 as sbuf_cat(). */
#ifndef QUOIN_MIME_TRANSFER_INT_H
#define QUOIN_MIME_TRANSFER_INT_H

#include <stddef.h>

struct sbuf;
struct transfer;

__attribute__((warn_unused_result)) int transfer_qp(struct transfer *t, struct sbuf *out,
						    const char *p, size_t n);
__attribute__((warn_unused_result)) int transfer_qp_end(struct transfer *t,
							struct sbuf *out);

#endif
