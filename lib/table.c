#include "table.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fdio.h"

/* A cdb: 256 pairs (position, slots) of hash tables, the records (key length, value
 * length, key, value), the hash tables of pairs (hash, position of a record). All
 * numbers are 32 bits, little-endian. */
enum { CDB_HEAD = 2048, CDB_PAIR = 8, SLOTS_AT_ONCE = 16 };

static int broken(void)
{
	errno = EPROTO;
	return -1;
}

static int read_file(const struct table *t, uint64_t pos, void *p, size_t n)
{
	ssize_t r = fd_read_at(t->fd, p, n, pos);

	if (r == -1)
		return -1;
	return (size_t)r == n ? 0 : broken();
}

static int is_held(const struct table *t, uint64_t pos, size_t n)
{
	return pos >= t->at && pos - t->at <= t->held && n <= t->held - (pos - t->at);
}

/* A record is read forwards, piece by piece. */
static int read_ahead(struct table *t, uint64_t pos)
{
	size_t n = t->size - pos < TABLE_AHEAD ? (size_t)(t->size - pos) : TABLE_AHEAD;

	t->held = 0;
	if (read_file(t, pos, t->ahead, n) == -1)
		return -1;
	t->at = pos;
	t->held = n;
	return 0;
}

/* n bytes at pos, all of them below the size that the file had when it was opened. */
static int read_at(struct table *t, uint64_t pos, void *p, size_t n)
{
	if (pos > t->size || n > t->size - pos)
		return broken();
	if (n > TABLE_AHEAD)
		return read_file(t, pos, p, n);
	if (!is_held(t, pos, n) && read_ahead(t, pos) == -1)
		return -1;
	memcpy(p, t->ahead + (pos - t->at), n);
	return 0;
}

static int read_pair(struct table *t, uint64_t pos, uint32_t *a, uint32_t *b)
{
	unsigned char pair[CDB_PAIR];

	if (read_at(t, pos, pair, sizeof pair) == -1)
		return -1;
	*a = cdb_unpack(pair);
	*b = cdb_unpack(pair + 4);
	return 0;
}

int table_open(struct table *t, const char *path)
{
	struct stat st;

	t->value = NULL;
	t->at = 0;
	t->held = 0;
	t->fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (t->fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (fstat(t->fd, &st) == -1) {
		int e = errno;

		table_close(t);
		errno = e;
		return -1;
	}
	if (!S_ISREG(st.st_mode) || st.st_size < CDB_HEAD || st.st_size > INT32_MAX) {
		table_close(t);
		return broken();
	}
	t->size = (uint64_t)st.st_size;
	return 1;
}

void table_close(struct table *t)
{
	free(t->value);
	t->value = NULL;
	explicit_bzero(t->ahead, t->held); /* others' hashes may be in it */
	t->held = 0;
	(void)close(t->fd);
	t->fd = -1;
}

/* Is the record at pos that of key? Then 1 and its value. */
static int take_record(struct table *t, uint32_t pos, const void *key, size_t keylen,
		       const char **value, size_t *len)
{
	char found[LIMIT_TABLEKEY];
	uint32_t klen;
	uint32_t vlen;

	if (pos < CDB_HEAD)
		return broken();
	if (read_pair(t, pos, &klen, &vlen) == -1)
		return -1;
	if (klen != keylen)
		return 0;
	if (read_at(t, (uint64_t)pos + CDB_PAIR, found, keylen) == -1)
		return -1;
	if (memcmp(found, key, keylen) != 0)
		return 0;
	if (vlen > LIMIT_TABLEVALUE || vlen > t->size)
		return broken();
	free(t->value);
	t->value = malloc((size_t)vlen + 1);
	if (t->value == NULL)
		return -1;
	if (read_at(t, (uint64_t)pos + CDB_PAIR + keylen, t->value, vlen) == -1)
		return -1;
	t->value[vlen] = '\0';
	*value = t->value;
	*len = vlen;
	return 1;
}

/* Slots first .. first + n - 1 of a hash table: 1 found, 0 an empty slot ends the
 * search, -1; 2 go on. */
static int search(struct table *t, uint64_t first, size_t n, uint32_t hash,
		  const void *key, size_t keylen, const char **value, size_t *len)
{
	unsigned char slot[SLOTS_AT_ONCE * CDB_PAIR];

	if (read_at(t, first, slot, n * CDB_PAIR) == -1)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint32_t pos = cdb_unpack(slot + i * CDB_PAIR + 4);
		int r;

		if (pos == 0)
			return 0;
		if (cdb_unpack(slot + i * CDB_PAIR) != hash)
			continue;
		r = take_record(t, pos, key, keylen, value, len);
		if (r != 0)
			return r;
	}
	return 2;
}

int table_get(struct table *t, const void *key, size_t keylen, const char **value,
	      size_t *len)
{
	uint32_t hash;
	uint32_t start;
	uint32_t slots;
	uint32_t at;

	if (keylen > LIMIT_TABLEKEY)
		return 0;
	hash = cdb_hash(key, (unsigned)keylen);
	if (read_pair(t, (uint64_t)(hash & 255) * CDB_PAIR, &start, &slots) == -1)
		return -1;
	if (slots == 0)
		return 0;
	if (start < CDB_HEAD || start > t->size || slots > (t->size - start) / CDB_PAIR)
		return broken();
	at = (hash >> 8) % slots;
	for (uint32_t left = slots; left > 0;) {
		size_t n = left < SLOTS_AT_ONCE ? left : SLOTS_AT_ONCE;
		int r;

		if (n > slots - at)
			n = slots - at;
		r = search(t, start + (uint64_t)at * CDB_PAIR, n, hash, key, keylen,
			   value, len);
		if (r != 2)
			return r;
		left -= (uint32_t)n;
		at = (at + (uint32_t)n) % slots;
	}
	return 0;
}

int table_lookup(const char *path, const void *key, size_t keylen, char **value,
		 size_t *len)
{
	struct table t;
	const char *found;
	int r = table_open(&t, path);

	if (r != 1)
		return r;
	r = table_get(&t, key, keylen, &found, len);
	if (r == 1) {
		*value = t.value;
		t.value = NULL;
	}
	table_close(&t);
	return r;
}
