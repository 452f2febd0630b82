#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cursor.h"
#include "fdio.h"
#include "logout.h"
#include "qid.h"
#include "qlimits.h"
#include "sum.h"

static const char magic[] = "quoin-s2";
static const char magic_before[] = "quoin-s1";
enum { MAGIC_LEN = sizeof magic - 1, LENGTH_LEN = 2, BODY_MAX = 5 + LIMIT_TEXT + 1 };

static void record_sum(const char *id, uint64_t offset, const char *p, size_t n,
		       uint8_t out[SUM_LEN])
{
	uint8_t at[8];
	struct sum s;

	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(offset >> 8 * (7 - i));
	sum_init(&s);
	sum_add(&s, id, QID_LEN);
	sum_add(&s, at, sizeof at);
	sum_add(&s, p, n);
	sum_end(&s, out);
}

/* What follows the letter. */
enum { INDEX = 1, TEXT = 2, CHANNEL = 4, TIME = 8, HELD = 16 };

static int shape_of(char what)
{
	switch (what) {
	case 'K':
		return INDEX;
	case 'S':
	case 'R':
	case 'X':
	case 'D':
	case 'Z':
		return INDEX | TEXT;
	case 'A':
		return CHANNEL | TIME;
	case 'W':
		return TIME;
	case 'H':
		return HELD;
	default:
		return 0;
	}
}

int journal_of_rcpt(const struct journal_record *r)
{
	return (shape_of(r->what) & INDEX) != 0;
}

int journal_is_good(char what)
{
	return what == 'K' || what == 'S' || what == 'R' || what == 'X';
}

static int take_body(struct cursor *c, struct journal_record *r)
{
	uint8_t what;
	int shape;

	*r = (struct journal_record){.text = ""};
	if (cur_u8(c, &what) == -1)
		return -1;
	r->what = (char)what;
	shape = shape_of(r->what);
	if (shape == 0 || ((shape & INDEX) && cur_u32(c, &r->index) == -1) ||
	    ((shape & TEXT) && cur_str(c, LIMIT_TEXT, &r->text) == -1) ||
	    ((shape & CHANNEL) && cur_u8(c, &r->channel) == -1) ||
	    ((shape & TIME) && cur_u64(c, &r->time) == -1) ||
	    ((shape & HELD) && cur_u8(c, &r->held) == -1))
		return -1;
	return cur_end(c);
}

/* One record at p[offset]: its length, or 0 if it is not whole. */
static size_t take_record(const char *p, size_t n, size_t offset, const char *id,
			  struct journal_record *r)
{
	struct cursor c;
	struct cursor body;
	uint8_t want[SUM_LEN];
	uint16_t len;
	const char *bytes;
	const char *sum;

	cur_init(&c, p + offset, n - offset);
	if (cur_u16(&c, &len) == -1 || len > BODY_MAX ||
	    cur_bytes(&c, len, &bytes) == -1 || cur_bytes(&c, SUM_LEN, &sum) == -1)
		return 0;
	record_sum(id, offset, p + offset, LENGTH_LEN + (size_t)len, want);
	if (memcmp(want, sum, SUM_LEN) != 0)
		return 0;
	cur_init(&body, bytes, len);
	if (take_body(&body, r) == -1)
		return 0;
	return LENGTH_LEN + (size_t)len + SUM_LEN;
}

size_t journal_parse(const char *p, size_t n, const char *id, journal_take *take,
		     void *arg)
{
	size_t at = MAGIC_LEN;
	struct journal_record r;
	size_t len;

	if (n < MAGIC_LEN ||
	    (memcmp(p, magic, MAGIC_LEN) != 0 && memcmp(p, magic_before, MAGIC_LEN) != 0))
		return 0;
	while ((len = take_record(p, n, at, id, &r)) > 0) {
		take(arg, &r);
		at += len;
	}
	return at;
}

int journal_read(int fd, const char *id, journal_take *take, void *arg, uint64_t *len,
		 uint64_t *size)
{
	struct stat st;
	size_t want;
	ssize_t got;
	char *p;

	if (fstat(fd, &st) == -1)
		return -1;
	want = st.st_size > JOURNAL_BYTES ? JOURNAL_BYTES : (size_t)st.st_size;
	p = malloc(want + 1);
	if (p == NULL)
		return -1;
	got = fd_read_at(fd, p, want, 0);
	if (got != -1) {
		*len = journal_parse(p, (size_t)got, id, take, arg);
		*size = (uint64_t)st.st_size;
	}
	free(p);
	return got == -1 ? -1 : 0;
}

static int put_body(struct sbuf *b, const struct journal_record *r)
{
	int shape = shape_of(r->what);

	if (sbuf_catc(b, r->what) == -1 ||
	    ((shape & INDEX) && put_u32(b, r->index) == -1) ||
	    ((shape & TEXT) && sbuf_catz(b, r->text) == -1) ||
	    ((shape & CHANNEL) && put_u8(b, r->channel) == -1) ||
	    ((shape & TIME) && put_u64(b, r->time) == -1) ||
	    ((shape & HELD) && put_u8(b, r->held) == -1))
		return -1;
	return 0;
}

int journal_put(struct sbuf *b, const char *id, uint64_t offset,
		const struct journal_record *r)
{
	size_t whole = b->len;
	size_t start;
	size_t len;
	uint8_t sum[SUM_LEN];

	/* The first record brings the file's first bytes along. */
	if (offset == 0 && b->len == 0 && sbuf_cat(b, magic, MAGIC_LEN) == -1)
		return -1;
	start = b->len;
	if (put_u16(b, 0) == -1 || put_body(b, r) == -1)
		goto undo;
	len = b->len - start - LENGTH_LEN;
	if (len > BODY_MAX) {
		errno = EMSGSIZE;
		goto undo;
	}
	b->p[start] = (char)(len >> 8);
	b->p[start + 1] = (char)(len & 0xff);
	record_sum(id, offset + start, b->p + start, b->len - start, sum);
	if (sbuf_cat(b, sum, SUM_LEN) == 0)
		return 0;
undo:
	b->len = whole;
	return -1;
}

int journal_open(struct journal *j, int dir, const char *id, journal_take *take,
		 void *arg)
{
	uint64_t size;
	int e;

	*j = (struct journal){.fd = openat(dir, id, O_RDWR | O_NOFOLLOW | O_CLOEXEC)};
	if (j->fd == -1)
		return errno == ENOENT ? 0 : -1;
	/* A torn tail is cut now: an append shorter than it would leave its end. */
	if (journal_read(j->fd, id, take, arg, &j->len, &size) == 0 &&
	    (size == j->len || ftruncate(j->fd, (off_t)j->len) == 0)) {
		j->cut = size - j->len;
		return 1;
	}
	e = errno;
	journal_close(j);
	errno = e;
	return -1;
}

int journal_append(struct journal *j, int dir, const char *id, const struct sbuf *b)
{
	logout_flush();
	if (j->fd == -1) {
		j->fd = openat(dir, id, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (j->fd == -1)
			return -1;
		j->unsynced_name = 1;
	}
	if (fd_write_at(j->fd, b->p, b->len, j->len) == -1) {
		int e = errno;

		/* If this fails too, the reader finds a torn tail. */
		(void)!ftruncate(j->fd, (off_t)j->len);
		errno = e;
		return -1;
	}
	j->len += b->len;
	return 0;
}

void journal_close(struct journal *j)
{
	if (j->fd != -1)
		(void)close(j->fd);
	*j = (struct journal){.fd = -1};
}
