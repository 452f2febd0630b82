/* deliver: puts one message into a Maildir so that it is there after a power cut, once.
 *
 *	maildir_open(&m, home, "./Maildir/", 1)
 *	maildir_base(base, id, recipient, line)
 *	maildir_begin(&m, &f); maildir_write(&f, p, n) ...
 *	maildir_sync(&f)		   the file is durable in tmp/
 *	maildir_link(&f, base, birth)	   and now in new/, durable as well
 *
 * The name in new/ is BASE,S=size,W=size-with-CRLF (an LF behind a CR stays as it is). BASE is made of the queue id, the
 * recipient and the instruction, and of nothing else: a job that is repeated meets its
 * own work, in new/ or, with flags, in cur/, and is done. In tmp/ each attempt has a name
 * of its own, so that two attempts cannot mix their bytes.
 *
 * A directory that is a symbolic link, a FIFO or anything else is refused (ENOTDIR or
 * ELOOP); its path is relative to base, a descriptor that the caller keeps open.
 * Descriptors are held between messages; maildir_is_current() says whether the path
 * still names the same directory.
 * Owner:  maildir_close() after a maildir_open() that gave 0; maildir_end() after a
 *	   maildir_begin() that gave 0, whatever happened between (it removes what was
 *	   not linked).
 * Errors: -1 with errno, always temporary.
 */
#ifndef QUOIN_MAILDIR_DELIVER_H
#define QUOIN_MAILDIR_DELIVER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "qid.h"
#include "qlimits.h"
#include "wbuf.h"

enum { MAILDIR_BASE = 128, MAILDIR_NAME = MAILDIR_BASE + 64 };

struct maildir {
	int base;
	char path[LIMIT_PATH];
	int dir;
	int tmp;
	int new;
	dev_t dev; /* of new/ */
	ino_t ino;
};

struct maildir_file {
	struct maildir *m;
	char tmp[MAILDIR_NAME];
	uint64_t lines; /* whose LF has no CR before it */
	char last;
	struct wbuf w;
};

/* make: create what is missing, mode 0700, durably. */
__attribute__((warn_unused_result)) int maildir_open(struct maildir *m, int base,
						     const char *path, int make);
int maildir_is_current(const struct maildir *m);
void maildir_close(struct maildir *m);

/* This host as a part of file names: what would end the part is left out. */
const char *maildir_host(void);

/* The part of the name before the comma. id must be a queue id. */
void maildir_base(char out[MAILDIR_BASE], const char *id, const char *recipient,
		  const char *line);

__attribute__((warn_unused_result)) int maildir_begin(struct maildir *m,
						      struct maildir_file *f);
int maildir_write(struct maildir_file *f, const void *p, size_t n);
__attribute__((warn_unused_result)) int maildir_sync(struct maildir_file *f);
__attribute__((warn_unused_result)) int maildir_link(struct maildir_file *f,
						     const char *base, uint64_t birth_ns);
void maildir_end(struct maildir_file *f);

/* Has an earlier attempt delivered it? 1, 0 or -1; for whoever may not deliver now. */
int maildir_has(const struct maildir *m, const char *base, uint64_t birth_ns);

/* After a maildir_link() that gave 0: it met an earlier attempt's work. */
static inline int maildir_was_there(const struct maildir_file *f)
{
	return f->tmp[0] != '\0';
}

#endif
