#include <stdlib.h>

#include "clock.h"
#include "io.h"
#include "search.h"

enum {
	EACH = 16,
	MANY = 100
}; /* messages until the clock is asked; keys that take long */

void search_sign(int64_t *next, size_t done, size_t n)
{
	int64_t now;

	if (done % EACH != 0)
		return;
	now = clock_mono_ms();
	if (*next == 0)
		*next = now + SEARCH_SIGN;
	if (now < *next)
		return;
	*next = now + SEARCH_SIGN;
	io_puts("* OK searched ");
	io_number(done * 100 / n);
	io_puts("%\r\n");
	io_flush();
}

int search_run(struct search *s, int backwards, int (*hit)(void *arg, size_t i),
	       void *arg)
{
	size_t n = session.box.count;
	int64_t next = 0;
	int is_dear = s->costs >> COST_STAT != 0 || s->n > MANY;
	int r = 0;

	for (size_t k = 0; r == 0 && k < n; k++) {
		size_t i = backwards ? n - 1 - k : k;

		if (is_dear)
			search_sign(&next, k, n);
		r = search_fits(s, i);
		if (r == 1)
			r = hit(arg, i);
	}
	search_done();
	return r == -1 ? -1 : 0;
}

struct collection {
	uint32_t *at;
	size_t n;
};

static int collect(void *arg, size_t i)
{
	struct collection *all = arg;

	all->at[all->n++] = (uint32_t)i;
	return 0;
}

int search_collect(struct search *s, uint32_t **at, size_t *n)
{
	struct collection all = {.at = malloc((session.box.count + 1) * sizeof *all.at)};

	if (all.at == NULL)
		return -1;
	if (search_run(s, 0, collect, &all) == -1) {
		free(all.at);
		return -1;
	}
	*at = all.at;
	*n = all.n;
	return 0;
}
