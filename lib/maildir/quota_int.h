/* quota_int: the text of maildirsize, and the counting of all messages of a Maildir.
 */
#ifndef QUOIN_MAILDIR_QUOTA_INT_H
#define QUOIN_MAILDIR_QUOTA_INT_H

#include <stddef.h>

#include "maildir/quota.h"

/* 0, or -1: a line is not understood (limits of the first one count even so). */
int quota_parse(struct quota *q, const char *p, size_t n);
/* The limits alone, n bytes "10000000S,1000C". -1: that is no limit. */
int quota_limits(struct quota *q, const char *p, size_t n);
int quota_print(char *out, size_t size, const struct quota *q);
/* bytes and count of all that lies in new/ and cur/, of all folders. */
int quota_count(struct quota *q, int root);

#endif
