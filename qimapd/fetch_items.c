#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "io.h"
#include "io_copy.h"
#include "messages.h"
#include "mime/date5322.h"
#include "mime/digest.h"
#include "out.h"

enum { NUMBER = 20 };

static size_t u64_text(char *p, uint64_t n)
{
	size_t len = 1;

	for (uint64_t rest = n; rest >= 10; rest /= 10)
		len++;
	for (size_t i = len; i-- > 0; n /= 10)
		p[i] = (char)('0' + n % 10);
	return len;
}

/* The label, and room for n bytes behind it. */
static char *begin(const struct fetch_item *it, size_t n)
{
	char *p = io_room(it->nlabel + n);

	io_copy(p, it->label, it->nlabel);
	return p + it->nlabel;
}

void put_uid(struct fetch *f, const struct fetch_item *it)
{
	char *p = begin(it, NUMBER);

	io_wrote(it->nlabel + out_u32(p, f->m->uid));
}

/* Few combinations of flags make up a mailbox: their texts. */
enum {
	FLAG_TEXTS = 64,
	FLAG_TEXT = 44,
	FLAGS_ROOM = BOX_KEYWORDS * (BOX_KEYWORD + 1) + 100
};

static struct flag_text {
	uint64_t keywords;
	uint16_t flags, recent;
	size_t n; /* 0: none is kept here */
	char text[FLAG_TEXT];
} flag_texts[FLAG_TEXTS];

void fetch_forget_flags(void)
{
	memset(flag_texts, 0, sizeof flag_texts);
}

/* Writes the text, and keeps a short one. */
static void put_new_flags(const struct msg *m, struct flag_text *t)
{
	char *begin = io_room(FLAGS_ROOM);
	size_t n;

	out_flags(m);
	n = (size_t)(io_room(0) - begin);
	if (n > FLAG_TEXT)
		return;
	memcpy(t->text, begin, n);
	t->keywords = m->keywords;
	t->flags = m->flags;
	t->recent = (uint16_t)message_is_recent(m);
	t->n = n;
}

void put_flags(struct fetch *f, const struct fetch_item *it)
{
	const struct msg *m = f->m;
	struct flag_text *t = &flag_texts[(m->flags ^ m->keywords) % FLAG_TEXTS];
	char *p;

	io_put(it->label, it->nlabel);
	if (t->n == 0 || t->keywords != m->keywords || t->flags != m->flags ||
	    t->recent != message_is_recent(m)) {
		put_new_flags(m, t);
		return;
	}
	p = io_room(FLAG_TEXT);
	io_copy(p, t->text, t->n);
	io_wrote(t->n);
}

void put_modseq(struct fetch *f, const struct fetch_item *it)
{
	char *p = begin(it, NUMBER + 2);
	size_t n = u64_text(p + 1, f->m->modseq);

	p[0] = '(';
	p[n + 1] = ')';
	io_wrote(it->nlabel + n + 2);
}

static void put_time(const struct fetch_item *it, int64_t when)
{
	char text[27];
	char *p = begin(it, sizeof text + 1);

	date_time_make(text, when);
	p[0] = '"';
	io_copy(p + 1, text, sizeof text - 1);
	p[sizeof text] = '"';
	io_wrote(it->nlabel + sizeof text + 1);
}

void put_date(struct fetch *f, const struct fetch_item *it)
{
	put_time(it, f->m->date);
}

void put_saved(struct fetch *f, const struct fetch_item *it)
{
	put_time(it, f->m->saved);
}

void put_size(struct fetch *f, const struct fetch_item *it)
{
	char *p = begin(it, NUMBER);

	io_wrote(it->nlabel + out_u32(p, f->m->size));
}

void put_digest(struct fetch *f, const struct fetch_item *it)
{
	const char *p = NULL;
	size_t n = 0;

	io_put(it->label, it->nlabel);
	if (!digest_get(f->digest, f->ndigest, (enum digest_what)it->what, &p, &n))
		io_puts("NIL"); /* not of digests that parsed.c gives */
	else
		io_put(p, n);
}
