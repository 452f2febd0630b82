#include "idset.h"

#include <string.h>

/* Where id stands or would stand. */
static size_t place(const struct idset *s, const char *id)
{
	size_t low = 0;
	size_t high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (strcmp(s->ids[mid], id) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int idset_has(const struct idset *s, const char *id)
{
	size_t at = place(s, id);

	return at < s->n && strcmp(s->ids[at], id) == 0;
}

int idset_add(struct idset *s, const char *id)
{
	size_t at = place(s, id);

	if (at < s->n && strcmp(s->ids[at], id) == 0)
		return 0;
	if (s->n == IDSET_MAX) {
		s->full = 1;
		return 0;
	}
	memmove(s->ids[at + 1], s->ids[at], (s->n - at) * sizeof s->ids[0]);
	memcpy(s->ids[at], id, QID_LEN + 1);
	s->n++;
	return 1;
}
