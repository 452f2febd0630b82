/* table: constant databases (cdb), every offset checked before it is used: a truncated,
 * garbled or hostile file gives -1, never a wild read. A table is a file made by a
 * tool of cdb/ and replaced by rename; open it, look up, close it.
 *
 * Read with pread(2), not mapped: a file that somebody cuts while it is open must not
 * kill its reader (SIGBUS). A record is mostly one call.
 * Owner:   the caller; table_close() after a table_open() that gave 1.
 * Results: 1 found, 0 not there (no such file, no such key), -1 with errno
 *          (EPROTO: the file is broken).
 */
#ifndef QUOIN_TABLE_H
#define QUOIN_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { LIMIT_TABLEKEY = 2048, LIMIT_TABLEVALUE = 16 * 1024 * 1024 };

enum { TABLE_AHEAD = 512 };

struct table {
	int fd;
	uint64_t size;
	char *value; /* of the last look-up */
	uint64_t at; /* in the file, of what was read ahead */
	size_t held; /* bytes of it */
	char ahead[TABLE_AHEAD];
};

/* At most 2^31 bytes. */
int table_open(struct table *t, const char *path);
void table_close(struct table *t);

/* First value of key; *value is t's, until the next look-up; it has a NUL behind it that
 * len does not count. A key over LIMIT_TABLEKEY is not there. */
int table_get(struct table *t, const void *key, size_t keylen, const char **value,
	      size_t *len);

/* open, get, close: 1 with *value, the caller's to free(), 0 or -1. */
int table_lookup(const char *path, const void *key, size_t keylen, char **value,
		 size_t *len);

/* The writer: entries, then a whole new file (mode 0644), synced and renamed over path,
 * its directory synced. It writes to path.tmp under a lock: EWOULDBLOCK when another
 * is at work. -1 with errno: the old file stands (or, when only the directory's sync
 * failed, the new one, which a power cut may undo). */
struct table_writer;
struct table_writer *table_create(const char *path);
/* The new file is not for everybody: mode 0640, with that group ((gid_t)-1: as it comes).
 */
void table_secret(struct table_writer *w, gid_t gid);
int table_put(struct table_writer *w, const void *key, size_t keylen, const void *value,
	      size_t len);
/* Both end w. */
int table_commit(struct table_writer *w);
void table_abort(struct table_writer *w);

/* Under this key, which no look-up asks for, a table keeps the checksum of the text
 * that it was made of. */
#define TABLE_SOURCE "\0source"
enum { TABLE_SOURCE_LEN = 7, TABLE_SUM_LEN = 16 };
void table_sum(const void *p, size_t n, uint8_t sum[TABLE_SUM_LEN]);

/* Was the table made of this text? 1 yes; 0 no: it is older, or there is none; -1 with
 * errno. A table of another maker (qmail-newu) is judged by the times of the files. */
int table_is_fresh(const char *table, const char *text);

#endif
