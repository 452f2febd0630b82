#include "bounce.h"

#include <errno.h>

#include "cursor.h"
#include "qid.h"

static int put_settings(struct sbuf *b, const struct bounce_settings *s)
{
	if (put_u32(b, s->copy) == -1 || put_u8(b, s->qsbmf) == -1 ||
	    sbuf_catz(b, s->me) == -1 || sbuf_catz(b, s->from) == -1)
		return -1;
	return sbuf_catz(b, s->doubled);
}

int bounce_put(struct sbuf *b, const struct bounce_frame *f)
{
	sbuf_clear(b);
	if (sbuf_catc(b, f->part) == -1)
		return -1;
	if (f->part == BOUNCE_SETTINGS)
		return put_settings(b, &f->settings);
	if (put_u16(b, f->slot) == -1 || sbuf_catz(b, f->id) == -1)
		return -1;
	return f->part == BOUNCE_WARNING ? put_u64(b, f->until) : 0;
}

static int get_settings(struct cursor *c, struct bounce_settings *s)
{
	if (cur_u32(c, &s->copy) == -1 || cur_u8(c, &s->qsbmf) == -1 ||
	    cur_str(c, LIMIT_DOMAIN, &s->me) == -1 ||
	    cur_str(c, LIMIT_ADDRESS, &s->from) == -1)
		return -1;
	return cur_str(c, LIMIT_ADDRESS, &s->doubled);
}

static int get_part(struct cursor *c, struct bounce_frame *f)
{
	uint64_t ns;

	if (cur_u16(c, &f->slot) == -1 || cur_str(c, QID_LEN, &f->id) == -1 ||
	    qid_parse(f->id, &ns) == -1)
		return -1;
	return f->part == BOUNCE_WARNING ? cur_u64(c, &f->until) : 0;
}

int bounce_get(const char *p, size_t n, struct bounce_frame *f)
{
	struct cursor c;
	uint8_t part;
	int r = -1;

	*f = (struct bounce_frame){.part = 0};
	cur_init(&c, p, n);
	if (cur_u8(&c, &part) == -1)
		return -1;
	f->part = (char)part;
	if (part == BOUNCE_SETTINGS)
		r = get_settings(&c, &f->settings);
	else if (part == BOUNCE_MESSAGE || part == BOUNCE_JOURNAL ||
		 part == BOUNCE_WARNING)
		r = get_part(&c, f);
	if (r == 0 && cur_end(&c) == 0)
		return 0;
	errno = EBADMSG;
	return -1;
}
