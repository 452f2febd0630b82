#include <errno.h>
#include <string.h>

#include "counts.h"
#include "cursor.h"
#include "sum.h"

static const char magic[] = "quoin-c1";
enum { MAGIC_LEN = sizeof magic - 1 };

static void sum_of(const char *p, size_t n, uint8_t out[SUM_LEN])
{
	struct sum s;

	sum_init(&s);
	sum_add(&s, p, n);
	sum_end(&s, out);
}

/* ---- writing ---- */

static uint32_t at_most(uint64_t n)
{
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static int put_amount(struct sbuf *b, const struct amount *a)
{
	return put_u32(b, at_most(a->messages)) == -1 ? -1
						      : put_u32(b, at_most(a->rcpts));
}

static int put_sender(struct sbuf *b, const struct sender *w, int64_t now)
{
	int64_t quiet = w->alarm_at > now ? w->alarm_at - now : 0;

	if (put_u32(b, (uint32_t)(now - w->hour)) == -1 ||
	    put_u32(b, (uint32_t)quiet) == -1 || put_amount(b, &w->now) == -1 ||
	    put_amount(b, &w->before) == -1)
		return -1;
	return sbuf_catz(b, w->login);
}

static int is_worth(const struct sender *w)
{
	return w->now.messages + w->before.messages > 0 &&
	       strlen(w->login) <= COUNTS_LOGIN;
}

static int put_senders(struct sbuf *b, struct sending *s, int64_t now)
{
	uint32_t n = 0;
	size_t at = b->len;

	if (put_u32(b, 0) == -1)
		return -1;
	for (size_t i = 0; i < SENDING_SLOTS; i++)
		for (struct sender *w = s->slot[i]; w != NULL; w = w->next) {
			sending_turn(w, now);
			if (!is_worth(w))
				continue;
			if (put_sender(b, w, now) == -1)
				return -1;
			n++;
		}
	for (int i = 0; i < 4; i++)
		b->p[at + (size_t)i] = (char)(n >> (24 - 8 * i));
	return 0;
}

int counts_put(struct sbuf *b, struct sending *s, int64_t now, uint64_t wall_ms)
{
	uint8_t sum[SUM_LEN];

	sbuf_clear(b);
	if (sbuf_cat(b, magic, MAGIC_LEN) == -1 || put_u64(b, wall_ms) == -1 ||
	    put_senders(b, s, now) == -1)
		return -1;
	sum_of(b->p, b->len, sum);
	return sbuf_cat(b, sum, sizeof sum);
}

/* ---- reading ---- */

/* What one login has; times are as old as the file. */
struct record {
	uint32_t age, quiet;
	struct amount now, before;
	const char *login;
};

static int take_amount(struct cursor *c, struct amount *a)
{
	uint32_t messages;
	uint32_t rcpts;

	if (cur_u32(c, &messages) == -1 || cur_u32(c, &rcpts) == -1)
		return -1;
	*a = (struct amount){messages, rcpts};
	return 0;
}

static int take_record(struct cursor *c, struct record *r)
{
	if (cur_u32(c, &r->age) == -1 || cur_u32(c, &r->quiet) == -1 ||
	    take_amount(c, &r->now) == -1 || take_amount(c, &r->before) == -1 ||
	    cur_str(c, COUNTS_LOGIN, &r->login) == -1)
		return -1;
	return r->age < SENDING_HOUR && r->quiet <= SENDING_HOUR && r->login[0] != '\0'
		   ? 0
		   : -1;
}

static int add(struct sending *s, const struct record *r, int64_t now, int64_t passed)
{
	struct sender *w;

	if (r->age + passed >= 2 * (int64_t)SENDING_HOUR)
		return 0;
	w = sending_find(s, r->login, now);
	if (w == NULL)
		return -1;
	w->hour = now - r->age - passed;
	w->alarm_at = now + (r->quiet > passed ? r->quiet - passed : 0);
	w->now = r->now;
	w->before = r->before;
	sending_turn(w, now);
	return 0;
}

/* All of them; without s they are looked at only. */
static int take_records(struct cursor c, struct sending *s, int64_t now, int64_t passed)
{
	uint32_t n;
	struct record r;

	if (cur_u32(&c, &n) == -1 || n > SENDING_MAX)
		return -1;
	while (n-- > 0)
		if (take_record(&c, &r) == -1 ||
		    (s != NULL && add(s, &r, now, passed) == -1))
			return -1;
	return cur_end(&c);
}

/* Not before the file was written, whatever the clock says, and no more than matters. */
static int64_t passed_since(uint64_t then, uint64_t wall_ms)
{
	uint64_t most = 2 * (uint64_t)SENDING_HOUR;

	if (wall_ms <= then)
		return 0;
	return (int64_t)(wall_ms - then < most ? wall_ms - then : most);
}

int counts_take(struct sending *s, const char *p, size_t n, int64_t now, uint64_t wall_ms)
{
	uint8_t sum[SUM_LEN];
	struct cursor c;
	const char *head;
	uint64_t then;

	errno = EBADMSG;
	if (n < SUM_LEN)
		return -1;
	sum_of(p, n - SUM_LEN, sum);
	if (memcmp(sum, p + n - SUM_LEN, SUM_LEN) != 0)
		return -1;
	cur_init(&c, p, n - SUM_LEN);
	if (cur_bytes(&c, MAGIC_LEN, &head) == -1 ||
	    memcmp(head, magic, MAGIC_LEN) != 0 || cur_u64(&c, &then) == -1 ||
	    take_records(c, NULL, 0, 0) == -1)
		return -1;
	return take_records(c, s, now, passed_since(then, wall_ms));
}
