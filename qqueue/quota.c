#include "quota.h"

#include <errno.h>
#include <stdlib.h>

static int fail(int e)
{
	errno = e;
	return -1;
}

int quota_trust(struct quota *q, uid_t uid)
{
	if (q->ntrusted == QUOTA_TRUSTED_MAX)
		return fail(ENOSPC);
	q->trusted[q->ntrusted++] = uid;
	return 0;
}

static int is_trusted(const struct quota *q, uid_t uid)
{
	for (size_t i = 0; i < q->ntrusted; i++)
		if (q->trusted[i] == uid)
			return 1;
	return uid == 0;
}

static struct account *find_or_add(struct quota *q, uid_t uid)
{
	struct account *a = q->list;

	while (a != NULL && a->uid != uid)
		a = a->next;
	if (a != NULL)
		return a;
	a = calloc(1, sizeof *a);
	if (a == NULL)
		return NULL;
	a->uid = uid;
	a->trusted = is_trusted(q, uid);
	a->next = q->list;
	q->list = a;
	return a;
}

static void forget_if_idle(struct quota *q, struct account *a)
{
	struct account **at = &q->list;

	if (a->use.conns > 0)
		return;
	while (*at != a)
		at = &(*at)->next;
	*at = a->next;
	free(a);
}

struct account *quota_enter(struct quota *q, uid_t uid)
{
	struct account *a = find_or_add(q, uid);

	if (a == NULL)
		return NULL;
	if (!a->trusted &&
	    (a->use.conns >= q->limit.conns || q->untrusted >= q->untrusted_max)) {
		forget_if_idle(q, a);
		(void)fail(EDQUOT);
		return NULL;
	}
	a->use.conns++;
	q->untrusted += !a->trusted;
	return a;
}

void quota_leave(struct quota *q, struct account *a)
{
	a->use.conns--;
	q->untrusted -= !a->trusted;
	forget_if_idle(q, a);
}

static int add(const struct account *a, uint64_t *use, uint64_t limit, size_t n)
{
	if (!a->trusted && (n > limit || *use > limit - n))
		return fail(EDQUOT);
	*use += n;
	return 0;
}

int quota_bytes(const struct quota *q, struct account *a, size_t n)
{
	return add(a, &a->use.bytes, q->limit.bytes, n);
}

int quota_envelope(const struct quota *q, struct account *a, size_t n)
{
	return add(a, &a->use.envelopes, q->limit.envelopes, n);
}
