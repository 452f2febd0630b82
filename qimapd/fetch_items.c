#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "io.h"
#include "mime/date5322.h"
#include "mime/digest.h"
#include "out.h"

enum { NUMBER = 20 };

static size_t u64_text(char *p, uint64_t n)
{
	char digits[NUMBER];
	size_t k = NUMBER;

	if (n <= UINT32_MAX)
		return out_u32(p, (uint32_t)n);
	for (; n > 0; n /= 10)
		digits[--k] = (char)('0' + n % 10);
	memcpy(p, digits + k, NUMBER - k);
	return NUMBER - k;
}

/* The label, and room for n bytes behind it. */
static char *begin(const struct fetch_item *it, size_t n)
{
	char *p = io_room(it->nlabel + n);

	memcpy(p, it->label, it->nlabel);
	return p + it->nlabel;
}

void put_uid(struct fetch *f, const struct fetch_item *it)
{
	char *p = begin(it, NUMBER);

	io_wrote(it->nlabel + out_u32(p, f->m->uid));
}

void put_flags(struct fetch *f, const struct fetch_item *it)
{
	io_put(it->label, it->nlabel);
	out_flags(f->m);
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
	memcpy(p + 1, text, sizeof text - 1);
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
