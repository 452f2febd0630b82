#include "expunge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "maildir/quota.h"
#include "prog.h"
#include "session.h"
#include "update.h"

/* What the name says, or else what is sent: of a message that cannot be read, nothing. */
static uint64_t weight(size_t i)
{
	struct box *b = &session.box;
	const struct msg *m = box_at(b, i);
	struct msg_name name;

	if (m == NULL)
		return 0;
	if (msg_name_read(&name, m->name) == 0 && name.has_s)
		return name.s;
	if (m->size == 0 && box_size(b, i) == 0)
		m = box_at(b, i);
	return m != NULL ? m->size : 0;
}

uint64_t messages_weight(const uint32_t *at, size_t n)
{
	struct quota q;
	uint64_t bytes = 0;

	if (quota_read(&q, session.store.root) != 1)
		return 0; /* nobody counts */
	for (size_t k = 0; k < n; k++)
		bytes += weight(at[k]);
	return bytes;
}

static int find_deleted(const struct set *uids, uint32_t **at, size_t *n)
{
	struct box *b = &session.box;
	struct box_counts counts;

	*n = 0;
	if (box_counts(b, &counts, 0) == -1)
		return -1;
	*at = malloc((b->count + 1) * sizeof **at);
	if (*at == NULL)
		return -1;
	for (size_t i = 0; counts.deleted > 0 && i < b->count; i++) {
		const struct msg *m = box_at(b, i);

		if (m == NULL) {
			free(*at);
			return -1;
		}
		if (m->flags & MSG_DELETED && !(m->state & MSG_GONE) &&
		    (uids == NULL || set_has(uids, m->uid)))
			(*at)[(*n)++] = (uint32_t)i;
	}
	return 0;
}

int expunge_deleted(const struct set *uids)
{
	uint32_t *at = NULL;
	size_t n;
	uint64_t bytes;
	int r = 0;

	if (update_look() == -1 || find_deleted(uids, &at, &n) == -1)
		return -1;
	if (n > 0) {
		bytes = messages_weight(at, n);
		r = box_expunge(&session.box, at, n);
		if (r == 0) {
			quota_add(session.store.root, -(int64_t)bytes, -(int64_t)n);
			session.counts.expunged += n;
		}
	}
	free(at);
	return r;
}

void expunge_ok(struct command *c, const char *text)
{
	char code[40] = "";

	(void)update_look();
	update_tell(0);
	if (session.on & (ON_CONDSTORE | ON_QRESYNC))
		(void)snprintf(code, sizeof code, "HIGHESTMODSEQ %llu",
			       (unsigned long long)session.box.highestmodseq);
	ok(c, code, "%s", text);
}
