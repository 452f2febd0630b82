#include "ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qlimits.h"

enum { CHUNK = 4096, TABLE_FIRST = 1 << 14 };

struct account *ledger_at(const struct ledger *l, size_t i)
{
	return &l->chunks[i / CHUNK][i % CHUNK];
}

static size_t place_of(const struct ledger *l, uint64_t ns, uint32_t random)
{
	uint64_t h = (ns ^ (uint64_t)random << 20) * 0x9e3779b97f4a7c15U;

	return (size_t)(h >> 32) & (l->size - 1);
}

static int grow_table(struct ledger *l)
{
	size_t size = l->size > 0 ? 2 * l->size : TABLE_FIRST;
	uint32_t *table = calloc(size, sizeof *table);

	if (table == NULL)
		return -1;
	free(l->table);
	l->table = table;
	l->size = size;
	for (size_t i = 0; i < l->n; i++) {
		const struct account *a = ledger_at(l, i);
		size_t at = place_of(l, a->ns, a->random);

		while (table[at] != 0)
			at = (at + 1) & (size - 1);
		table[at] = (uint32_t)i + 1;
	}
	return 0;
}

static int grow_chunks(struct ledger *l)
{
	size_t n = l->n / CHUNK;
	struct account **more = reallocarray(l->chunks, n + 1, sizeof(void *));

	if (more == NULL)
		return -1;
	l->chunks = more;
	more[n] = calloc(CHUNK, sizeof **more);
	return more[n] == NULL ? -1 : 0;
}

static struct account *add(struct ledger *l, uint64_t ns, uint32_t random)
{
	struct account *a;

	if (l->n == LEDGER_MAX) {
		errno = E2BIG;
		return NULL;
	}
	if (l->n % CHUNK == 0 && grow_chunks(l) == -1)
		return NULL;
	a = ledger_at(l, l->n++);
	a->ns = ns;
	a->random = random;
	return a;
}

struct account *ledger_get(struct ledger *l, const char *id)
{
	struct account *a;
	uint32_t random;
	uint64_t ns;
	size_t at;

	if (qid_split(id, &ns, &random) == -1)
		return NULL;
	if (2 * (l->n + 1) > l->size && grow_table(l) == -1)
		return NULL;
	for (at = place_of(l, ns, random); l->table[at] != 0;
	     at = (at + 1) & (l->size - 1)) {
		a = ledger_at(l, l->table[at] - 1);
		if (a->ns == ns && a->random == random)
			return a;
	}
	a = add(l, ns, random);
	if (a != NULL)
		l->table[at] = (uint32_t)l->n;
	return a;
}

void ledger_free(struct ledger *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (ledger_at(l, i)->places > LEDGER_SMALL)
			free(ledger_at(l, i)->marks.many);
	for (size_t i = 0; i * CHUNK < l->n; i++)
		free(l->chunks[i]);
	free(l->chunks);
	free(l->table);
	*l = (struct ledger){.n = 0};
}

static uint8_t *marks(struct account *a)
{
	return a->places > LEDGER_SMALL ? a->marks.many : a->marks.few;
}

static int make_places(struct account *a, uint32_t n)
{
	uint8_t *more;

	if (n <= LEDGER_SMALL) {
		a->places = LEDGER_SMALL;
		return 0;
	}
	more = calloc(n, 1);
	if (more == NULL)
		return -1;
	memcpy(more, marks(a), a->places);
	if (a->places > LEDGER_SMALL)
		free(a->marks.many);
	a->marks.many = more;
	a->places = n;
	return 0;
}

uint8_t *account_mark(struct account *a, uint32_t rcpt)
{
	uint32_t n = rcpt < a->rcpts ? a->rcpts : rcpt + 1;

	if (rcpt >= LIMIT_RECIPIENTS) {
		errno = E2BIG;
		return NULL;
	}
	if (rcpt >= a->places && make_places(a, n) == -1)
		return NULL;
	return &marks(a)[rcpt];
}

uint8_t account_says(const struct account *a, uint32_t rcpt)
{
	if (rcpt >= a->places)
		return 0;
	return a->places > LEDGER_SMALL ? a->marks.many[rcpt] : a->marks.few[rcpt];
}

void account_clear_now(struct account *a)
{
	for (uint32_t i = 0; i < a->places; i++)
		marks(a)[i] &= (uint8_t)~RCPT_NOW;
}

void account_id(const struct account *a, char id[QID_LEN + 1])
{
	qid_make(id, a->ns, a->random);
}
