#include "remotejob.h"

#include <errno.h>
#include <string.h>

#include "cursor.h"
#include "sbuf.h"

int remotejob_put(struct sbuf *b, const struct remotejob_dead *dead, const char *frame,
		  size_t n)
{
	sbuf_clear(b);
	if (put_u16(b, (uint16_t)dead->count) == -1 ||
	    sbuf_cat(b, dead->addrs, dead->count * REMOTEJOB_ADDR) == -1)
		return -1;
	return sbuf_cat(b, frame, n);
}

int remotejob_get(struct job *j, struct remotejob_dead *dead, const char *p, size_t n)
{
	struct cursor c;
	uint16_t count;

	cur_init(&c, p, n);
	if (cur_u16(&c, &count) == -1)
		return -1;
	if (count > REMOTEJOB_DEAD) {
		errno = EBADMSG;
		return -1;
	}
	dead->count = count;
	if (cur_bytes(&c, (size_t)count * REMOTEJOB_ADDR, &dead->addrs) == -1)
		return -1;
	return job_get(j, c.p, c.len);
}

int remotejob_is_dead(const struct remotejob_dead *dead,
		      const uint8_t addr[REMOTEJOB_ADDR])
{
	for (size_t i = 0; i < dead->count; i++)
		if (memcmp(dead->addrs + i * REMOTEJOB_ADDR, addr, REMOTEJOB_ADDR) == 0)
			return 1;
	return 0;
}

/* report_put() clears what it writes to. */
int remotejob_report_put(struct sbuf *b, const struct remotejob_tried *tried,
			 const struct report *r)
{
	static struct sbuf report = SBUF_INIT(LIMIT_FRAME);

	sbuf_clear(b);
	if (report_put(&report, r) == -1 || put_u8(b, (uint8_t)tried->count) == -1)
		return -1;
	for (size_t i = 0; i < tried->count; i++)
		if (sbuf_cat(b, tried->at[i].addr, REMOTEJOB_ADDR) == -1 ||
		    sbuf_catc(b, tried->at[i].reach) == -1)
			return -1;
	return sbuf_cat(b, report.p, report.len);
}

int remotejob_report_get(struct remotejob_tried *tried, const char **p, size_t *n)
{
	struct cursor c;
	uint8_t count;

	cur_init(&c, *p, *n);
	if (cur_u8(&c, &count) == -1)
		return -1;
	errno = EBADMSG;
	if (count > REMOTEJOB_TRIED)
		return -1;
	for (tried->count = 0; tried->count < count; tried->count++) {
		const char *addr;
		uint8_t reach;

		if (cur_bytes(&c, REMOTEJOB_ADDR, &addr) == -1 ||
		    cur_u8(&c, &reach) == -1)
			return -1;
		if (reach == '\0' || strchr("CTR", reach) == NULL)
			return -1;
		memcpy(tried->at[tried->count].addr, addr, REMOTEJOB_ADDR);
		tried->at[tried->count].reach = (char)reach;
	}
	*p = c.p;
	*n = c.len;
	return 0;
}
