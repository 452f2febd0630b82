/* table: constant databases, by tinycdb, every offset checked before it is used: a
 * truncated, garbled or hostile file gives -1, never a wild read. A table is a file
 * made by a tool of cdb/ and replaced by rename; open it, look up, close it.
 *
 * Owner:   the caller; table_close() after a table_open() that gave 1.
 * Results: 1 found, 0 not there (no such file, no such key), -1 with errno
 *          (EPROTO: the file is broken).
 */
#ifndef QUOIN_TABLE_H
#define QUOIN_TABLE_H

#include <stddef.h>
#include <stdint.h>

struct table {
	const uint8_t *map;
	size_t size;
};

/* At most 2^31 bytes; the file is mapped read only. */
int table_open(struct table *t, const char *path);
void table_close(struct table *t);

/* First value of key; *value points into the table. */
int table_get(const struct table *t, const void *key, size_t keylen, const char **value,
	      size_t *len);

/* The writer: entries, then a whole new file, synced and renamed over path (its
 * directory synced). -1 with errno: the old file stands. */
struct table_writer;
struct table_writer *table_create(const char *path);
int table_put(struct table_writer *w, const void *key, size_t keylen, const void *value,
	      size_t len);
int table_commit(struct table_writer *w);
void table_abort(struct table_writer *w);

#endif
