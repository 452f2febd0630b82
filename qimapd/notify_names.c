#include "notify_names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* ---- other names ---- */

struct gone {
	const char *name;
	dev_t dev;
	ino_t ino;
};

static int has(const struct folder *list, size_t n, const char *name)
{
	const struct folder key = {name, 0};
	const struct folder *f = bsearch(&key, list, n, sizeof *list, compare);

	return f != NULL && (f->bits & FOLDER_EXISTS);
}

static size_t find_gone(struct gone *out, const struct names_held *held, size_t n,
			const struct folder *list, size_t nlist)
{
	size_t found = 0;
	struct stat st;

	for (size_t i = 0; i < n; i++)
		if (!has(list, nlist, held[i].name) && fstat(held[i].dir, &st) == 0 &&
		    st.st_nlink > 0)
			out[found++] = (struct gone){held[i].name, st.st_dev, st.st_ino};
	return found;
}

static const char *old_name(const struct folder *f, const struct gone *gone, size_t n)
{
	int dir = folder_open(&session.store, f->name);
	const char *name = NULL;
	struct stat st;

	if (dir == -1)
		return NULL;
	if (fstat(dir, &st) == 0)
		for (size_t i = 0; i < n && name == NULL; i++)
			if (gone[i].dev == st.st_dev && gone[i].ino == st.st_ino)
				name = gone[i].name;
	(void)close(dir);
	return name;
}

size_t names_renamed(struct names_renamed *out, const struct names_held *held, size_t n,
		     const struct folders *old, const struct folders *now)
{
	struct folder *before = sorted(old);
	struct folder *after = sorted(now);
	struct gone *gone = calloc(n + 1, sizeof *gone);
	size_t found = 0;
	size_t left = 0;

	if (before != NULL && after != NULL && gone != NULL)
		left = find_gone(gone, held, n, after, now->n);
	for (size_t i = 0; i < now->n && found < left; i++) {
		const struct folder *f = &now->folder[i];
		const char *name = NULL;

		if ((f->bits & FOLDER_EXISTS) && !has(before, old->n, f->name))
			name = old_name(f, gone, left);
		if (name != NULL)
			out[found++] = (struct names_renamed){name, f};
	}
	free(before);
	free(after);
	free(gone);
	return found;
}

int folder_is_there(const char *name)
{
	int dir = folder_open(&session.store, name);

	if (dir != -1)
		(void)close(dir);
	return dir != -1;
}
