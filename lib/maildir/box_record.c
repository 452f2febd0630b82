/* One record of quoin-uids: mark, length, safe, body, sum. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "maildir/box_int.h"

static const char magic[8] = {'q', 'u', 'o', 'i', 'n', '-', 'u', '1'};
static const char mark[4] = {'Q', 'n', 'R', '1'};
enum { LOOKS = 1000 }; /* marks that are tried behind a bad record */

static uint64_t load(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v = v << 8 | (uint8_t)p[i];
	return v;
}

static void store(char *p, uint64_t v, size_t n)
{
	while (n-- > 0) {
		p[n] = (char)(v & 0xff);
		v >>= 8;
	}
}

static void sum_at(uint64_t nonce, uint64_t off, const char *p, size_t n,
		   uint8_t out[SUM_LEN])
{
	char where[16];
	struct sum s;

	store(where, nonce, 8);
	store(where + 8, off, 8);
	sum_init(&s);
	sum_add(&s, where, sizeof where);
	sum_add(&s, p, n);
	sum_end(&s, out);
}

int boxrecord_read(const char *p, size_t n, uint64_t nonce, uint64_t off,
		   struct box_record *r, size_t *want)
{
	uint8_t sum[SUM_LEN];
	size_t len;

	*want = RECORD_HEAD;
	if (n < RECORD_HEAD)
		return memcmp(p, mark, n < sizeof mark ? n : sizeof mark) == 0 ? 0 : -1;
	len = (size_t)load(p + 4, 4);
	if (memcmp(p, mark, sizeof mark) != 0 || len > RECORD_MAX)
		return -1;
	*want = RECORD_HEAD + len + SUM_LEN;
	if (n < *want)
		return 0;
	sum_at(nonce, off, p, RECORD_HEAD + len, sum);
	if (memcmp(sum, p + RECORD_HEAD + len, SUM_LEN) != 0)
		return -1;
	*r = (struct box_record){load(p + 8, 8), p + RECORD_HEAD, len,
				 p + RECORD_HEAD + len};
	return 1;
}

/* b: RECORD_HEAD bytes and the body; there is room for the sum. */
void boxrecord_seal(struct sbuf *b, uint64_t nonce, uint64_t off, uint64_t safe)
{
	uint8_t sum[SUM_LEN];

	memcpy(b->p, mark, sizeof mark);
	store(b->p + 4, b->len - RECORD_HEAD, 4);
	store(b->p + 8, safe, 8);
	sum_at(nonce, off, b->p, b->len, sum);
	memcpy(b->p + b->len, sum, SUM_LEN);
	b->len += SUM_LEN;
}

void boxrecord_head(char out[LOG_HEAD], uint64_t nonce, uint64_t prev, uint64_t base)
{
	uint8_t sum[SUM_LEN];

	memcpy(out, magic, sizeof magic);
	store(out + 8, nonce, 8);
	store(out + 16, prev, 8);
	store(out + 24, base, 8);
	sum_at(nonce, 0, out, LOG_HEAD - SUM_LEN, sum);
	memcpy(out + LOG_HEAD - SUM_LEN, sum, SUM_LEN);
}

int boxrecord_read_head(const char p[LOG_HEAD], uint64_t *nonce, uint64_t *prev,
			uint64_t *base)
{
	uint8_t sum[SUM_LEN];

	*nonce = load(p + 8, 8);
	*prev = load(p + 16, 8);
	*base = load(p + 24, 8);
	sum_at(*nonce, 0, p, LOG_HEAD - SUM_LEN, sum);
	if (memcmp(p, magic, sizeof magic) == 0 &&
	    memcmp(sum, p + LOG_HEAD - SUM_LEN, SUM_LEN) == 0)
		return 0;
	errno = EBADMSG;
	return -1;
}

/* The first record may be long: its sum is not looked at. */
uint32_t boxrecord_validity(int fd)
{
	enum { VALUE = LOG_HEAD + RECORD_HEAD + 5, ALL = VALUE + 4 }; /* behind "S", n */
	char p[ALL];
	uint64_t nonce, prev, base;

	if (pread(fd, p, sizeof p, 0) != ALL ||
	    boxrecord_read_head(p, &nonce, &prev, &base) == -1 ||
	    memcmp(p + LOG_HEAD, mark, sizeof mark) != 0 ||
	    memcmp(p + VALUE - 5, "S\0\0\0\1", 5) != 0)
		return 0;
	return (uint32_t)load(p + VALUE, 4);
}

/* A whole record behind it knows how far the file was synced when it was written: what
 * is bad before there was good once. All else is a tail that was never promised. */
int boxrecord_is_damage(const char *p, size_t n, uint64_t nonce, uint64_t off)
{
	struct box_record r;
	size_t want;
	int looks = 0;

	for (size_t at = 1; at < n && looks < LOOKS; at++) {
		const char *next = memchr(p + at, mark[0], n - at);

		if (next == NULL)
			return 0;
		at = (size_t)(next - p);
		if (n - at < sizeof mark || memcmp(next, mark, sizeof mark) != 0)
			continue;
		looks++;
		if (boxrecord_read(next, n - at, nonce, off + at, &r, &want) == 1 &&
		    r.safe > off)
			return 1;
	}
	return 0;
}
