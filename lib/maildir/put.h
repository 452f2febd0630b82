/* put: new messages for a folder, by APPEND; they appear all at once, with their uids.
 *
 *	put_begin(&p, dir, date)		a file in tmp/
 *	put_write(&p, bytes, n) ...		CRLF becomes LF as it comes; 8-bit and NUL stay
 *	put_sync(&p)				durable in tmp/
 *	put_arrive(dir, &p, 1, &copied, NULL)	durable in cur/, with a uid
 *	put_end(&p)				whatever happened; removes what did not arrive
 *
 * The name is BASE,S=,W=. A bare CR stays as it is, a bare LF too; W counts each LF once more
 * that no CR stands before. date: INTERNALDATE, seconds (the file's mtime).
 * Errors: -1 with errno (ENOSPC, EDQUOT, EFBIG over max, EIO): nothing is there.
 */
#ifndef QUOIN_MAILDIR_PUT_H
#define QUOIN_MAILDIR_PUT_H

#include <stddef.h>
#include <stdint.h>

#include "maildir/box.h"
#include "maildir/name.h"
#include "wbuf.h"

enum { PUT_MAX = 256 }; /* messages of one put_arrive(); E2BIG */

struct put {
	int dir; /* the folder's, the caller's */
	char tmp[MSG_NAME + 1];
	char base[MSG_NAME + 1];
	unsigned flags;              /* set by the caller before put_arrive() */
	const char *const *keywords; /* NULL-ended, or NULL; as above */
	int64_t date;
	uint64_t wire;
	int last; /* put's own: is there a CR before? */
	struct wbuf w;
};

__attribute__((warn_unused_result)) int put_begin(struct put *p, int dir, int64_t date);
int put_write(struct put *p, const char *bytes, size_t n);
__attribute__((warn_unused_result)) int put_sync(struct put *p);
__attribute__((warn_unused_result)) int put_arrive(int dir, struct put *const *p,
						   size_t n, struct box_copied *out,
						   struct box_kept **kept);
void put_end(struct put *p);

#endif
