#include "job.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "cursor.h"
#include "escape.h"
#include "sbuf.h"

static const char *or_empty(const char *s)
{
	return s != NULL ? s : "";
}

size_t job_room(const char *rcpt, const char *orcpt)
{
	return strlen(rcpt) + 1 + 1 + strlen(or_empty(orcpt)) + 1;
}

size_t job_logins_room(const struct job *j)
{
	size_t n = 0;

	for (uint8_t i = 0; i < j->nlogins; i++)
		n += strlen(j->logins[i].host) + strlen(j->logins[i].user) +
		     strlen(j->logins[i].password) + 3;
	return n;
}

const struct job_login *job_login(const struct job *j, const char *host)
{
	for (uint8_t i = 0; i < j->nlogins; i++)
		if (strcasecmp(j->logins[i].host, host) == 0)
			return &j->logins[i];
	return NULL;
}

static int put_logins(struct sbuf *b, const struct job *j)
{
	if (put_u8(b, j->nlogins) == -1)
		return -1;
	for (uint8_t i = 0; i < j->nlogins; i++)
		if (sbuf_catz(b, j->logins[i].host) == -1 ||
		    sbuf_catz(b, j->logins[i].user) == -1 ||
		    sbuf_catz(b, j->logins[i].password) == -1)
			return -1;
	return 0;
}

int job_put(struct sbuf *b, const struct job *j)
{
	sbuf_clear(b);
	if (put_u16(b, j->slot) == -1 || sbuf_catz(b, j->id) == -1 ||
	    put_u64(b, j->msg_offset) == -1 || put_u64(b, j->msg_len) == -1 ||
	    sbuf_cat(b, j->msg_sum, SUM_LEN) == -1 || put_u64(b, j->birth) == -1 ||
	    put_u8(b, j->flags) == -1 || sbuf_catz(b, j->sender) == -1 ||
	    sbuf_catz(b, j->route) == -1 || sbuf_catz(b, or_empty(j->envid)) == -1 ||
	    put_logins(b, j) == -1 || put_u16(b, j->nrcpts) == -1)
		return -1;
	for (uint16_t i = 0; i < j->nrcpts; i++)
		if (sbuf_catz(b, j->rcpts[i]) == -1 || put_u8(b, j->notify[i]) == -1 ||
		    sbuf_catz(b, or_empty(j->orcpt[i])) == -1)
			return -1;
	return 0;
}

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

static int are_flags(uint8_t flags)
{
	return (flags & ~(JOB_INSIST | JOB_RET_FULL | JOB_RET_HDRS)) == 0 &&
	       ((flags & JOB_RET_FULL) == 0 || (flags & JOB_RET_HDRS) == 0);
}

static int are_notifies(uint8_t notify)
{
	return notify <= NOTIFY_NEVER ||
	       (notify & ~(NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY)) == 0;
}

static int get_rcpt(struct cursor *c, struct job *j, uint16_t i)
{
	if (cur_str(c, LIMIT_ADDRESS, &j->rcpts[i]) == -1 ||
	    cur_u8(c, &j->notify[i]) == -1 || cur_str(c, LIMIT_ORCPT, &j->orcpt[i]) == -1)
		return -1;
	return *j->rcpts[i] != '\0' && are_notifies(j->notify[i]) ? 0 : bad();
}

static int get_logins(struct cursor *c, struct job *j)
{
	if (cur_u8(c, &j->nlogins) == -1)
		return -1;
	if (j->nlogins > LIMIT_JOBAUTHS)
		return bad();
	for (uint8_t i = 0; i < j->nlogins; i++) {
		struct job_login *l = &j->logins[i];

		if (cur_str(c, LIMIT_DOMAIN, &l->host) == -1 ||
		    cur_str(c, LIMIT_SMTPUSER, &l->user) == -1 ||
		    cur_str(c, LIMIT_SMTPPASSWORD, &l->password) == -1)
			return -1;
		if (*l->host == '\0' || *l->user == '\0' || *l->password == '\0')
			return bad();
	}
	return 0;
}

int job_get(struct job *j, const char *p, size_t n)
{
	struct cursor c;
	const char *sum;
	uint64_t ns;

	cur_init(&c, p, n);
	if (cur_u16(&c, &j->slot) == -1 || cur_str(&c, QID_LEN, &j->id) == -1 ||
	    cur_u64(&c, &j->msg_offset) == -1 || cur_u64(&c, &j->msg_len) == -1 ||
	    cur_bytes(&c, SUM_LEN, &sum) == -1 || cur_u64(&c, &j->birth) == -1 ||
	    cur_u8(&c, &j->flags) == -1 || cur_str(&c, LIMIT_ADDRESS, &j->sender) == -1 ||
	    cur_str(&c, LIMIT_ROUTE, &j->route) == -1 ||
	    cur_str(&c, LIMIT_ENVID, &j->envid) == -1 || get_logins(&c, j) == -1 ||
	    cur_u16(&c, &j->nrcpts) == -1)
		return -1;
	if (j->slot == UINT16_MAX || qid_parse(j->id, &ns) == -1 ||
	    j->msg_len > LIMIT_MESSAGE || j->msg_offset > LIMIT_ENVELOPE + 64 ||
	    !are_flags(j->flags) || j->nrcpts == 0 || j->nrcpts > LIMIT_JOBRCPTS)
		return bad();
	memcpy(j->msg_sum, sum, SUM_LEN);
	for (uint16_t i = 0; i < j->nrcpts; i++)
		if (get_rcpt(&c, j, i) == -1)
			return -1;
	return cur_end(&c);
}

int report_put(struct sbuf *b, const struct report *r)
{
	char text[LIMIT_TEXT + 1];

	sbuf_clear(b);
	if (put_u16(b, r->slot) == -1 ||
	    put_u8(b, (uint8_t)(r->pace != 0 ? r->pace : PACE_NONE)) == -1 ||
	    put_u16(b, r->count) == -1)
		return -1;
	for (uint16_t i = 0; i < r->count; i++) {
		(void)escape_text(text, sizeof text, r->text[i], strlen(r->text[i]));
		if (sbuf_catc(b, r->letter[i]) == -1 || sbuf_catz(b, text) == -1)
			return -1;
	}
	return 0;
}

int report_get(struct report *r, const char *p, size_t n)
{
	struct cursor c;
	uint8_t pace;

	cur_init(&c, p, n);
	if (cur_u16(&c, &r->slot) == -1 || cur_u8(&c, &pace) == -1 ||
	    cur_u16(&c, &r->count) == -1)
		return -1;
	r->pace = (char)pace;
	if (pace == '\0' || strchr("OSUN", pace) == NULL || r->count == 0 ||
	    r->count > LIMIT_JOBRCPTS)
		return bad();
	for (uint16_t i = 0; i < r->count; i++) {
		uint8_t letter;

		if (cur_u8(&c, &letter) == -1 ||
		    cur_str(&c, LIMIT_TEXT, &r->text[i]) == -1)
			return -1;
		if (letter == '\0' || strchr("KRXZDB", letter) == NULL)
			return bad();
		r->letter[i] = (char)letter;
	}
	return cur_end(&c);
}

int report_all(struct sbuf *b, const struct job *j, char letter, const char *text)
{
	struct report r = {.slot = j->slot, .count = j->nrcpts};

	for (uint16_t i = 0; i < j->nrcpts; i++) {
		r.letter[i] = letter;
		r.text[i] = text;
	}
	return report_put(b, &r);
}
