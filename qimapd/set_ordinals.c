/* Which messages of the open mailbox a set names. */
#include <errno.h>
#include <stdlib.h>

#include "session.h"
#include "set.h"

static size_t set_size(const struct set *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (size_t)(s->r[i].hi - s->r[i].lo) + 1;
	return n;
}

static int seq_ordinals(const struct set *s, uint32_t **at, size_t *n)
{
	size_t k = 0;

	if (s->n > 0 && s->r[s->n - 1].hi > session.box.count) {
		errno = EINVAL;
		return -1;
	}
	*at = malloc((set_size(s) + 1) * sizeof **at);
	if (*at == NULL)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		for (uint32_t seq = s->r[i].lo; seq <= s->r[i].hi; seq++)
			(*at)[k++] = seq - 1;
	*n = k;
	return 0;
}

static int uid_range(const struct range *r, uint32_t *at, size_t *n)
{
	struct box *b = &session.box;

	for (size_t i = box_find(b, r->lo); i < b->count; i++) {
		const struct msg *m = box_at(b, i);

		if (m == NULL)
			return -1;
		if (m->uid > r->hi)
			break;
		if (!(m->state & MSG_GONE))
			at[(*n)++] = (uint32_t)i;
	}
	return 0;
}

static int uid_ordinals(const struct set *s, uint32_t **at, size_t *n)
{
	size_t most = set_size(s);

	if (most > session.box.count)
		most = session.box.count;
	*n = 0;
	*at = malloc((most + 1) * sizeof **at);
	if (*at == NULL)
		return -1;
	for (size_t i = 0; i < s->n; i++)
		if (uid_range(&s->r[i], *at, n) == -1) {
			free(*at);
			return -1;
		}
	return 0;
}

int set_ordinals(const struct set *s, int by_uid, uint32_t **at, size_t *n)
{
	return by_uid || s->is_saved ? uid_ordinals(s, at, n) : seq_ordinals(s, at, n);
}
