/* qid: the queue id, one name for a message everywhere.
 *
 * 17 characters of [0-9A-Za-z], fixed width, in ASCII order by time: 11 for the
 * nanoseconds of the wall clock at which it was given, 6 for 32 random bits.
 */
#ifndef QUOIN_QID_H
#define QUOIN_QID_H

#include <stdint.h>

enum { QID_LEN = 17 };

/* id gets QID_LEN characters and a NUL. */
void qid_make(char id[QID_LEN + 1], uint64_t ns, uint32_t random);

/* 0 and the nanoseconds, or -1 with EINVAL if id is not one (NUL-ended, exact). */
int qid_parse(const char *id, uint64_t *ns);

/* The same, and the random bits: what a table keeps instead of the text. */
int qid_split(const char *id, uint64_t *ns, uint32_t *random);

#endif
