#include "qfile.h"

#include <errno.h>
#include <string.h>

#include "cursor.h"
#include "num.h"
#include "qlimits.h"

static const char magic[] = "quoin-2\n";
static const char magic_before[] = "quoin-1\n";
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
	if ((memcmp(head, magic, MAGIC_LEN) != 0 &&
	     memcmp(head, magic_before, MAGIC_LEN) != 0) ||
	    zero != 0 || h->env_len > LIMIT_ENVELOPE || h->msg_len > LIMIT_MESSAGE) {
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

/* ---- the envelope: where each letter may stand ---- */

static const struct notify_letter {
	char letter;
	unsigned bit;
} notify_letters[] = {{'N', NOTIFY_NEVER},
		      {'S', NOTIFY_SUCCESS},
		      {'F', NOTIFY_FAILURE},
		      {'D', NOTIFY_DELAY}};
enum { NOTIFIES = sizeof notify_letters / sizeof *notify_letters };

static unsigned notify_bit(char letter)
{
	for (int i = 0; i < NOTIFIES; i++)
		if (notify_letters[i].letter == letter)
			return notify_letters[i].bit;
	return 0;
}

int notify_parse(const char *value, unsigned *notify)
{
	unsigned all = 0;

	for (const char *p = value; *p != '\0'; p++) {
		unsigned bit = notify_bit(*p);

		if (bit == 0 || (all & bit))
			return -1;
		all |= bit;
	}
	if (all == 0 || ((all & NOTIFY_NEVER) && all != NOTIFY_NEVER))
		return -1;
	*notify = all;
	return 0;
}

const char *notify_text(unsigned notify, char out[4])
{
	size_t n = 0;

	for (int i = 0; i < NOTIFIES && n < 3; i++)
		if (notify & notify_letters[i].bit)
			out[n++] = notify_letters[i].letter;
	out[n] = '\0';
	return out;
}

/* Fields that stand at most once, before the first recipient. */
static const char **once(struct envelope *e, char letter)
{
	switch (letter) {
	case 'U':
		return &e->uid;
	case 'C':
		return &e->client;
	case 'L':
		return &e->login;
	case 'S':
		return &e->relayed;
	case 'F':
		return &e->sender;
	case 'E':
		return &e->envid;
	case 'R':
		return &e->ret;
	default:
		return NULL;
	}
}

static int is_value_of(const struct envelope *e, char letter, const char *value)
{
	switch (letter) {
	case 'S':
		return strcmp(value, "1") == 0;
	case 'E':
		return e->sender != NULL && *value != '\0' &&
		       strlen(value) <= LIMIT_ENVID;
	case 'R':
		return e->sender != NULL &&
		       (strcmp(value, "F") == 0 || strcmp(value, "H") == 0);
	default:
		return 1;
	}
}

static int take_rcpt(struct envelope *e, const char *value)
{
	if (e->sender == NULL || *value == '\0' || e->nrcpts == LIMIT_RECIPIENTS)
		return -1;
	if (e->nrcpts++ == 0)
		e->rcpts = value;
	return 0;
}

/* N and O: before is the letter of the field in front of this one. */
static int take_of_rcpt(const struct envelope *e, char before, char letter,
			const char *value)
{
	unsigned notify;

	if (e->nrcpts == 0 || (before != 'T' && (letter == 'N' || before != 'N')))
		return -1;
	if (letter == 'N')
		return notify_parse(value, &notify);
	return *value != '\0' && strlen(value) <= LIMIT_ORCPT ? 0 : -1;
}

static int take_field(struct envelope *e, char before, char letter, const char *value)
{
	const char **to;

	if (letter == 'T')
		return take_rcpt(e, value);
	if (letter == 'N' || letter == 'O')
		return take_of_rcpt(e, before, letter, value);
	to = once(e, letter);
	if (to == NULL || *to != NULL || e->nrcpts > 0 || !is_value_of(e, letter, value))
		return -1;
	*to = value;
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
	char before = '\0';

	*e = (struct envelope){.end = env + n};
	cur_init(&c, env, n);
	while (c.len > 0) {
		const char *field;

		if (cur_str(&c, LIMIT_ADDRESS + 1, &field) == -1)
			return -1;
		if (*field == '\0' || !is_clean(field + 1) ||
		    take_field(e, before, *field, field + 1) == -1) {
			errno = EBADMSG;
			return -1;
		}
		before = *field;
	}
	if (e->nrcpts == 0 || !is_uid(e->uid)) {
		errno = EBADMSG;
		return -1;
	}
	return 0;
}

const char *envelope_rcpt(const struct envelope *e, const char *at,
			  struct envelope_rcpt *r)
{
	*r = (struct envelope_rcpt){.address = at};
	for (at += strlen(at) + 1; at < e->end && *at != 'T'; at += strlen(at) + 1) {
		if (*at == 'N')
			(void)notify_parse(at + 1, &r->notify);
		else
			r->orcpt = at + 1;
	}
	return at < e->end ? at + 1 : e->end;
}

int envelope_is_submitted(const struct envelope *e)
{
	return e->client == NULL || e->login != NULL || e->relayed != NULL;
}
