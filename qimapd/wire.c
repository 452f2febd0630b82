#include "wire.h"

#include <errno.h>
#include <string.h>

#include "io.h"
#include "mime/section.h"
#include "out.h"
#include "source.h"

enum { HEAD = IO_OUT - 2 * WIRE_LITERAL };

typedef unsigned char bytes __attribute__((vector_size(16)));

/* Line ends among n blocks (at most 255) at p that no CR stands before. */
static size_t blocks_lfs(const char *p, size_t n)
{
	bytes count = {0};
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		bytes v, before;

		memcpy(&v, p + i * sizeof v, sizeof v);
		memcpy(&before, p + i * sizeof v - 1, sizeof before);
		count -= (bytes)((v == '\n') & (before != '\r'));
	}
	for (size_t i = 0; i < sizeof count; i++)
		sum += count[i];
	return sum;
}

/* Of all but the first byte. */
static size_t bare_lfs(const char *p, size_t n)
{
	size_t sum = 0;
	size_t i = 1;

	while (i + sizeof(bytes) <= n) {
		size_t blocks = (n - i) / sizeof(bytes);

		if (blocks > 255)
			blocks = 255;
		sum += blocks_lfs(p + i, blocks);
		i += blocks * sizeof(bytes);
	}
	for (; i < n; i++)
		sum += p[i] == '\n' && p[i - 1] != '\r';
	return sum;
}

size_t wire_more(const char *p, size_t n, int *cr)
{
	size_t more;

	if (n == 0)
		return 0;
	more = bare_lfs(p, n) + (p[0] == '\n' && !*cr);
	*cr = p[n - 1] == '\r';
	return more;
}

struct place { /* raw bytes from the start are wire bytes on the wire */
	uint64_t raw, wire;
	int cr;
};

/* Goes on over n bytes at p, but not beyond target: how many it took. Fewer: target lies in
 * them, or between the CR and the LF that the next one becomes. */
static size_t place_take(struct place *at, const char *p, size_t n, uint64_t target)
{
	size_t done = 0;

	while (n > 0 && at->wire < target) {
		int cr = at->cr;
		uint64_t wire = n + wire_more(p + done, n, &cr);

		if (at->wire + wire <= target) {
			at->wire += wire;
			at->raw += n;
			at->cr = cr;
			done += n;
			break;
		}
		if (n == 1)
			break;
		n /= 2;
	}
	return done;
}

static int place_reach(struct place *at, struct source *s, uint64_t end, uint64_t target)
{
	while (at->wire < target && at->raw < end) {
		const char *p = NULL;
		ssize_t n = source_at(s, at->raw, &p);

		if (n == 0) /* it has become shorter */
			errno = EIO;
		if (n <= 0)
			return -1;
		if ((uint64_t)n > end - at->raw)
			n = (ssize_t)(end - at->raw);
		if ((uint64_t)n > target - at->wire)
			n = (ssize_t)(target - at->wire);
		if (place_take(at, p, (size_t)n, target) == 0)
			break;
	}
	return 0;
}

/* Where the last piece ended, and of what. */
static struct {
	struct source_id id;
	uint64_t start;
	struct place at;
} last;

static struct place place_begin(struct source *s, uint64_t start, uint64_t from)
{
	struct source_id id;

	if (from > 0 && last.start == start && last.at.wire <= from &&
	    source_identity(s, &id) == 0 && source_same(&last.id, &id))
		return last.at;
	return (struct place){start, 0, 0};
}

int wire_find(struct wire *w, struct source *s, uint64_t start, uint64_t end,
	      uint64_t from, uint64_t count)
{
	uint64_t to = count < UINT64_MAX - from ? from + count : UINT64_MAX;
	struct place at;

	if (end > s->size)
		end = s->size;
	if (start > end)
		start = end;
	at = place_begin(s, start, from);
	if (place_reach(&at, s, end, from) == -1)
		return -1;
	*w = (struct wire){.raw = at.raw, .end = end, .cr = at.cr};
	if (at.raw == end)
		return 0;
	w->skip = (unsigned)(from - at.wire);
	if (place_reach(&at, s, end, to) == -1)
		return -1;
	/* the LF at at.raw is two bytes, of which one is still wanted */
	w->length = at.wire - from + (at.raw < end && at.wire < to ? 1 : 0);
	w->plain = w->skip == 0 && w->length == at.raw - w->raw;
	if (to != UINT64_MAX && source_identity(s, &last.id) == 0) {
		last.start = start;
		last.at = at;
	}
	return 0;
}

static int has_nul(const char *p, size_t n)
{
	bytes found = {0};
	int rest = 0;
	uint64_t word[2];

	for (; n >= sizeof found; p += sizeof found, n -= sizeof found) {
		bytes v;

		memcpy(&v, p, sizeof v);
		found |= (bytes)(v == 0);
	}
	for (size_t i = 0; i < n; i++)
		rest |= p[i] == 0;
	memcpy(word, &found, sizeof word);
	return rest || (word[0] | word[1]) != 0;
}

static void no_nul(char *p, size_t n)
{
	if (!has_nul(p, n))
		return;
	for (size_t i = 0; i < n; i++)
		if (p[i] == '\0')
			p[i] = (char)0x80;
}

/* At most n bytes at p, and no more than left on the wire. */
static size_t send_some(const char *p, size_t n, int plain, int *cr, unsigned skip,
			uint64_t left)
{
	char *out = io_room(plain ? n : 2 * n);
	size_t len = n;

	if (plain)
		memcpy(out, p, n);
	else
		len = wire_crlf(out, p, n, cr);
	if (skip > 0)
		memmove(out, out + 1, --len);
	if (len > left)
		len = (size_t)left;
	no_nul(out, len);
	io_wrote(len);
	return len;
}

void wire_send(const struct wire *w, struct source *s)
{
	uint64_t raw = w->raw;
	uint64_t left = w->length;
	unsigned skip = w->skip;
	int cr = w->cr;

	while (left > 0) {
		const char *p = NULL;
		ssize_t n = source_at(s, raw, &p);

		if (n <= 0 || raw >= w->end) /* or LFs that were counted are none now */
			io_lost("was promised more than a file has now");
		if (n > IO_PIECE)
			n = IO_PIECE;
		if ((uint64_t)n > w->end - raw)
			n = (ssize_t)(w->end - raw);
		if ((uint64_t)n > left)
			n = (ssize_t)left;
		left -= send_some(p, (size_t)n, w->plain, &cr, skip, left);
		raw += (uint64_t)n;
		skip = 0;
	}
}

/* "{n}CRLF" at p; its length. */
static size_t put_head(char *p, size_t n)
{
	size_t len = 1 + out_u32(p + 1, (uint32_t)n);

	p[0] = '{';
	memcpy(p + len, "}\r\n", 3);
	return len + 3;
}

/* It is made behind the head that its length in the file would have, and moves where its own is
 * longer. */
void wire_literal(const char *p, size_t n)
{
	char *out = io_room(HEAD + 2 * n);
	char head[HEAD];
	size_t room = put_head(head, n);
	int cr = 0;
	size_t len = wire_crlf(out + room, p, n, &cr);
	size_t used = put_head(head, len);

	no_nul(out + room, len);
	if (used > room)
		memmove(out + used, out + room, len);
	memcpy(out, head, used);
	io_wrote(used + len);
}

void wire_put(const char *p, size_t n)
{
	while (n > 0) {
		size_t some = n < IO_PIECE ? n : IO_PIECE;
		char *out = io_room(some);

		memcpy(out, p, some);
		no_nul(out, some);
		io_wrote(some);
		p += some;
		n -= some;
	}
}
