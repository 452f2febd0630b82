/* subject: the base subject (RFC 5256 2.1), folded, for SORT and THREAD.
 *
 * p: the field's body, still encoded. Appended to out; is_reply says whether something like Re: or
 * Fwd: was taken away. Linear.
 */
#ifndef QUOIN_MIME_SUBJECT_H
#define QUOIN_MIME_SUBJECT_H

#include <stddef.h>

struct sbuf;

__attribute__((warn_unused_result)) int subject_base(struct sbuf *out, const char *p,
						     size_t n, int *is_reply);

#endif
