/* quota: Maildir++ quota, the file maildirsize in the Maildir's root.
 *
 * First line: "10000000S,1000C" (bytes, messages); then a line "BYTES COUNT" for each change,
 * with O_APPEND. No file or an empty first line: no quota. Over 5,120 bytes, or older than 15 minutes
 * and over quota or without room for what comes: counted anew from the names' S= (stat() where it is missing), written as new
 * file and rename. Trash counts. The file is the admin's or another program's wish: a line that is not
 * understood means: count anew; a limit that is not understood: no limit, and a log line.
 * Used by IMAP (QUOTA, APPEND, COPY), by delivery (qlocal), and by qrcpt's question whether a
 * mailbox is full (4.2.2 or 5.2.2).
 * Errors: -1 with errno; a quota that cannot be read is no quota.
 */
#ifndef QUOIN_MAILDIR_QUOTA_H
#define QUOIN_MAILDIR_QUOTA_H

#include <stddef.h>
#include <stdint.h>

struct quota {
	uint64_t max_bytes, max_count; /* 0: no limit */
	int64_t bytes, count;
};

/* root: a descriptor of the Maildir's root. 1: there is a quota, 0: there is none. */
int quota_read(struct quota *q, int root);
/* May this much more come? 1 yes, 0 no. */
int quota_allows(const struct quota *q, uint64_t bytes, uint64_t count);
/* The same of what quota_read() found; before a no it is counted anew, if that is due: others
 * remove messages and do not say so. */
int quota_room(struct quota *q, int root, uint64_t bytes, uint64_t count);
/* What has come (or, negative, gone): noted; nothing happens without a quota. */
void quota_add(int root, int64_t bytes, int64_t count);
struct box;
/* What these messages of a folder count: S= of the names, or the files' sizes. */
uint64_t quota_weight(struct box *b, const uint32_t *at, size_t n);
/* Set or change the limits (the admin's tool). */
int quota_set(int root, uint64_t max_bytes, uint64_t max_count);
/* control/overquota: 0 there is none, 1 "4.2.2", 2 "5.2.2", -1 as in control.h. */
enum { QUOTA_LATER = 1, QUOTA_NEVER = 2 };
int quota_when_full(void);
/* The root of a folder's Maildir: a new descriptor, or -1. */
int quota_root(int dir);

#endif
