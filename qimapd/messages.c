#include "messages.h"

#include <errno.h>
#include <stdlib.h>

uint32_t messages_last(int by_uid)
{
	struct box *b = &session.box;
	const struct msg *m;

	if (b->count == 0 || !by_uid)
		return (uint32_t)b->count;
	m = box_at(b, b->count - 1);
	return m != NULL ? m->uid : b->uidnext - 1;
}

int message_is_recent(const struct msg *m)
{
	return (m->state & (session.readonly ? MSG_NEW : MSG_RECENT)) != 0;
}

int messages_read(struct command *c, struct messages *ms)
{
	*ms = (struct messages){0};
	if (take_space(&c->w) == -1)
		return -1;
	return set_read(&ms->set, &c->w, messages_last(c->uid));
}

int messages_find(struct command *c, struct messages *ms)
{
	if (set_ordinals(&ms->set, c->uid, &ms->at, &ms->n) == 0)
		return 0;
	ms->at = NULL;
	if (errno == EINVAL)
		bad(c, "there is no message of that number");
	else
		no_errno(c, "read the mailbox");
	return -1;
}

void messages_free(struct messages *ms)
{
	set_free(&ms->set);
	free(ms->at);
}

/* RFC 2180 4.1, RFC 5530: those that are there have been done. */
const char *messages_issued(const struct messages *ms)
{
	struct box *b = &session.box;

	if (b->gone == 0)
		return "";
	for (size_t k = 0; k < ms->n; k++) {
		const struct msg *m = box_at(b, ms->at[k]);

		if (m != NULL && m->state & MSG_GONE)
			return "EXPUNGEISSUED";
	}
	return "";
}
