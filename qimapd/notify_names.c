#include "notify_names.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session.h"

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct folder *)a)->name, ((const struct folder *)b)->name);
}

static struct folder *sorted(const struct folders *f)
{
	struct folder *p = calloc(f->n + 1, sizeof *p);

	if (p == NULL)
		return NULL;
	if (f->n > 0)
		memcpy(p, f->folder, f->n * sizeof *p);
	qsort(p, f->n, sizeof *p, compare);
	return p;
}

/* was: the bits that it had, 0 if it is new. */
static int differ(unsigned was, const struct folder *now,
		  void (*tell)(const struct folder *f, unsigned change))
{
	static const unsigned names = FOLDER_EXISTS | FOLDER_CHILDREN; /* RFC 5465 5.4 */
	unsigned changed = (was ^ now->bits) & (names | FOLDER_SUBSCRIBED);

	if (changed & names)
		tell(now, NAMES_CHANGED);
	if (changed & FOLDER_SUBSCRIBED)
		tell(now, NAMES_SUBSCRIBED);
	return changed != 0;
}

/* Both end with a folder without a name. */
static int merge(const struct folder *a, const struct folder *b,
		 void (*tell)(const struct folder *f, unsigned change))
{
	int found = 0;

	while (a->name != NULL || b->name != NULL) {
		int c = a->name == NULL   ? 1
			: b->name == NULL ? -1
					  : strcmp(a->name, b->name);

		if (c < 0) {
			const struct folder gone = {a->name, 0};

			found |= differ(a->bits, &gone, tell);
		} else {
			found |= differ(c == 0 ? a->bits : 0, b, tell);
		}
		a += c <= 0;
		b += c >= 0;
	}
	return found;
}

int names_differ(const struct folders *old, const struct folders *now,
		 void (*tell)(const struct folder *f, unsigned change))
{
	struct folder *a = sorted(old);
	struct folder *b = sorted(now);
	int found = a != NULL && b != NULL && merge(a, b, tell);

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
