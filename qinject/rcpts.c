#include "rcpts.h"

#include <string.h>

#include "address.h"
#include "fail.h"
#include "qfile.h"
#include "qlimits.h"

void rcpts_init(struct rcpts *r)
{
	sbuf_init(&r->fields, LIMIT_ENVELOPE);
	r->n = 0;
	r->notify = 0;
}

void rcpts_free(struct rcpts *r)
{
	rcpts_clear(r);
	sbuf_free(&r->fields);
}

void rcpts_clear(struct rcpts *r)
{
	if (r->n > 0)
		memset(r->slot, 0, sizeof r->slot);
	r->n = 0;
	r->notify = 0;
	sbuf_clear(&r->fields);
}

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h;
}

/* The slot of an address: its own, or the empty one where it belongs. There are
 * three times as many slots as addresses. */
static uint32_t *find(struct rcpts *r, const char *kept)
{
	size_t i = hash(kept) % RCPTS_SLOTS;

	while (r->slot[i] != 0 && strcmp(r->fields.p + r->slot[i], kept) != 0)
		i = (i + 1) % RCPTS_SLOTS;
	return &r->slot[i];
}

int rcpts_add(struct rcpts *r, const char *kept)
{
	return rcpts_add_asked(r, kept, r->notify, NULL);
}

int rcpts_add_asked(struct rcpts *r, const char *kept, unsigned notify, const char *orcpt)
{
	char letters[4];
	uint32_t *slot = find(r, kept);
	uint32_t at = (uint32_t)r->fields.len + 1;

	if (*slot != 0)
		return 0;
	if (r->n == LIMIT_RECIPIENTS)
		return fail(FAIL_DATA, "too many recipients (over %d)", LIMIT_RECIPIENTS);
	if (sbuf_field(&r->fields, 'T', kept) == -1 ||
	    (notify != 0 &&
	     sbuf_field(&r->fields, 'N', notify_text(notify, letters)) == -1) ||
	    (orcpt != NULL && sbuf_field(&r->fields, 'O', orcpt) == -1))
		return fail_sys(FAIL_DATA, "keep all the recipients");
	*slot = at;
	r->n++;
	return 0;
}

int rcpts_add_list(struct rcpts *r, const char *s)
{
	char kept[LIMIT_ADDRESS + 1];
	struct alist822 l;
	struct mailbox822 m;
	int more;

	if (!is_one_line(s))
		return fail(FAIL_ADDRESS, "a recipient contains a control character");
	alist822_init(&l, s, strlen(s));
	while ((more = alist822_next(&l, &m)) == 1)
		if (address_of(s, &m, kept) == -1 ||
		    (kept[0] != '\0' && rcpts_add(r, kept) == -1))
			return -1;
	return more == -1 ? fail(FAIL_ADDRESS, "not an address: %.200s", s) : 0;
}
