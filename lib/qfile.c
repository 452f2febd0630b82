#include "qfile.h"

#include <errno.h>
#include <string.h>

#include "cursor.h"
#include "num.h"
#include "qlimits.h"

static const char magic[] = "quoin-1\n";
enum { MAGIC_LEN = sizeof magic - 1, HEAD_SUMMED = QFILE_HEAD - SUM_LEN };

static void put_be(char *out, size_t n, uint64_t v)
{
	while (n-- > 0) {
		out[n] = (char)(v & 0xff);
		v >>= 8;
	}
}

static void head_sum(const char head[QFILE_HEAD], const char *env, size_t n,
		     uint8_t out[SUM_LEN])
{
	struct sum s;

	sum_init(&s);
	sum_add(&s, head, HEAD_SUMMED);
	sum_add(&s, env, n);
	sum_end(&s, out);
}

void qfile_pack(char out[QFILE_HEAD], const struct qfile_head *h, const char *env)
{
	memcpy(out, magic, MAGIC_LEN);
	put_be(out + 8, 4, h->env_len);
	put_be(out + 12, 4, 0);
	put_be(out + 16, 8, h->msg_len);
	memcpy(out + 24, h->msg_sum, SUM_LEN);
	head_sum(out, env, h->env_len, (uint8_t *)out + HEAD_SUMMED);
}

int qfile_unpack(const char in[QFILE_HEAD], struct qfile_head *h)
{
	struct cursor c;
	const char *head;
	const char *sum;
	uint32_t zero;

	cur_init(&c, in, QFILE_HEAD);
	if (cur_bytes(&c, MAGIC_LEN, &head) == -1 || cur_u32(&c, &h->env_len) == -1 ||
	    cur_u32(&c, &zero) == -1 || cur_u64(&c, &h->msg_len) == -1 ||
	    cur_bytes(&c, SUM_LEN, &sum) == -1)
		return -1;
	if (memcmp(head, magic, MAGIC_LEN) != 0 || zero != 0 ||
	    h->env_len > LIMIT_ENVELOPE || h->msg_len > LIMIT_MESSAGE) {
		errno = EBADMSG;
		return -1;
	}
	memcpy(h->msg_sum, sum, SUM_LEN);
	return 0;
}

int qfile_check(const char in[QFILE_HEAD], const char *env)
{
	struct qfile_head h;
	uint8_t want[SUM_LEN];

	if (qfile_unpack(in, &h) == -1)
		return -1;
	head_sum(in, env, h.env_len, want);
	if (memcmp(want, in + HEAD_SUMMED, SUM_LEN) != 0) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

uint64_t qfile_msg_offset(const struct qfile_head *h)
{
	return QFILE_HEAD + (uint64_t)h->env_len;
}

/* One field of our grammar and how often it may stand. */
static int take_field(struct envelope *e, char letter, const char *value)
{
	const char **once = letter == 'U'   ? &e->uid
			    : letter == 'C' ? &e->client
			    : letter == 'L' ? &e->login
			    : letter == 'F' ? &e->sender
					    : NULL;

	if (letter == 'T') {
		if (e->sender == NULL || *value == '\0' || e->nrcpts == LIMIT_RECIPIENTS)
			return -1;
		if (e->nrcpts++ == 0)
			e->rcpts = value;
		return 0;
	}
	if (once == NULL || *once != NULL || e->nrcpts > 0)
		return -1;
	*once = value;
	return 0;
}

static int is_clean(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return 0;
	return 1;
}

static int is_uid(const char *s)
{
	uint64_t n;

	return s == NULL || num_parse(s, UINT32_MAX, &n) == 0;
}

int envelope_parse(struct envelope *e, const char *env, size_t n)
{
	struct cursor c;

	*e = (struct envelope){0};
	cur_init(&c, env, n);
	while (c.len > 0) {
		const char *field;

		if (cur_str(&c, LIMIT_ADDRESS + 1, &field) == -1)
			return -1;
		if (*field == '\0' || !is_clean(field + 1) ||
		    take_field(e, *field, field + 1) == -1) {
			errno = EBADMSG;
			return -1;
		}
	}
	if (e->nrcpts == 0 || !is_uid(e->uid)) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

const char *envelope_next(const char *r)
{
	return r + strlen(r) + 2;
}
