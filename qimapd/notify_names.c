#include "notify_names.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

static int compare(const void *a, const void *b)
{
	return strcmp((*(const struct folder *const *)a)->name,
		      (*(const struct folder *const *)b)->name);
}

static const struct folder **sorted(const struct folders *f)
{
	const struct folder **p = calloc(f->n + 1, sizeof *p);

	if (p == NULL)
		return NULL;
	for (size_t i = 0; i < f->n; i++)
		p[i] = &f->folder[i];
	qsort(p, f->n, sizeof *p, compare);
	return p;
}

/* Of one that is on both sides, or has gone (now NULL), or came (old NULL). */
static int differ(const struct folder *old, const struct folder *now,
		  void (*tell)(const struct folder *f, unsigned change))
{
	unsigned was = old != NULL ? old->bits : 0;
	struct folder f = now != NULL ? *now : (struct folder){old->name, 0};
	unsigned both = was ^ f.bits;

	if (both & FOLDER_EXISTS)
		tell(&f, NAMES_CHANGED);
	if (both & FOLDER_SUBSCRIBED)
		tell(&f, NAMES_SUBSCRIBED);
	return (both & (FOLDER_EXISTS | FOLDER_SUBSCRIBED)) != 0;
}

int names_differ(const struct folders *old, const struct folders *now,
		 void (*tell)(const struct folder *f, unsigned change))
{
	const struct folder **a = sorted(old);
	const struct folder **b = sorted(now);
	size_t i = 0;
	size_t k = 0;
	int found = 0;

	while (a != NULL && b != NULL && (i < old->n || k < now->n)) {
		int c = i == old->n   ? 1
			: k == now->n ? -1
				      : strcmp(a[i]->name, b[k]->name);

		found |= differ(c <= 0 ? a[i] : NULL, c >= 0 ? b[k] : NULL, tell);
		i += c <= 0;
		k += c >= 0;
	}
	free(a);
	free(b);
	return found;
}

int folder_is_there(const char *name)
{
	int dir = folder_open(&session.store, name);

	if (dir != -1)
		(void)close(dir);
	return dir != -1;
}
