#include "qresync.h"

#include "prog.h"
#include "session.h"
#include "update.h"
#include "vanished.h"

static int take_match(struct words *w, struct qresync *q)
{
	return take_char(w, '(') == -1 || set_read(&q->seqs, w, 0) == -1 ||
		       take_space(w) == -1 || set_read(&q->uids, w, 0) == -1
		   ? -1
		   : take_char(w, ')');
}

static int take_optional(struct words *w, struct qresync *q)
{
	if (take_space(w) == -1)
		return 0;
	if (words_peek(w) != '(') {
		if (set_read(&q->known, w, 0) == -1)
			return -1;
		q->has_known = 1;
		if (take_space(w) == -1)
			return 0;
	}
	return take_match(w, q);
}

int qresync_take(struct words *w, struct qresync *q)
{
	if (take_char(w, '(') == -1 || take_nz32(w, &q->uidvalidity) == -1 ||
	    take_space(w) == -1 || words_peek(w) == '0' ||
	    take_u64(w, &q->modseq) == -1 || take_optional(w, q) == -1)
		return -1;
	return take_char(w, ')');
}

void qresync_free(struct qresync *q)
{
	set_free(&q->known);
	set_free(&q->seqs);
	set_free(&q->uids);
}

/* The client's pairs of sequence number and uid: up to the last that is still true nothing
 * has vanished. */
static uint32_t matched_below(const struct qresync *q)
{
	uint32_t from = 1;
	size_t u = 0;
	uint32_t uid_at = q->uids.n > 0 ? q->uids.r[0].lo : 0;

	for (size_t s = 0; s < q->seqs.n && u < q->uids.n; s++)
		for (uint32_t seq = q->seqs.r[s].lo; u < q->uids.n; seq++) {
			const struct msg *m = seq <= session.box.count
						  ? box_at(&session.box, seq - 1)
						  : NULL;

			if (m == NULL || m->uid != uid_at)
				return from;
			from = uid_at + 1;
			if (uid_at++ == q->uids.r[u].hi)
				uid_at = ++u < q->uids.n ? q->uids.r[u].lo : 0;
			if (seq == q->seqs.r[s].hi)
				break;
		}
	return from;
}

/* Of the uids that the client knows (all, if it does not say) those that may be amiss. */
static int clip(struct set *out, const struct qresync *q)
{
	uint32_t from = matched_below(q);
	uint32_t last = session.box.uidnext - 1;

	if (!q->has_known)
		return last >= from ? set_add(out, from, last) : 0;
	for (size_t i = 0; i < q->known.n; i++) {
		const struct range *r = &q->known.r[i];

		if (r->hi >= from &&
		    set_add(out, r->lo > from ? r->lo : from, r->hi) == -1)
			return -1;
	}
	return 0;
}

static int has_all(const struct qresync *q, uint32_t uid)
{
	return !q->has_known || set_has(&q->known, uid);
}

void qresync_tell(const struct qresync *q)
{
	struct box *b = &session.box;
	struct set uids = {0};

	if (q->uidvalidity != b->uidvalidity)
		return;
	if (clip(&uids, q) == -1 || vanished_tell(&uids, q->modseq) == -1)
		warn_sys("tell what vanished");
	set_free(&uids);
	for (size_t i = box_next_since(b, 0, q->modseq); i < b->count;
	     i = box_next_since(b, i + 1, q->modseq)) {
		const struct msg *m = box_at(b, i);

		if (m != NULL && !(m->state & MSG_GONE) && has_all(q, m->uid))
			update_flags(i, 1);
	}
}
