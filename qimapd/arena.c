/* The command's arena of take.h: a small block that is always there, then pieces. */
#include "take.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST = 4096, PIECE = 65536 - 64, ALIGN = 16 };

struct piece {
	struct piece *next;
	size_t used, size;
	_Alignas(ALIGN) char p[];
};

static _Alignas(ALIGN) char first[FIRST];
static size_t first_used;
static struct piece *pieces;
static size_t total;
static int no_memory;

static struct piece *add_piece(size_t n)
{
	size_t size = n > PIECE ? n : PIECE;
	struct piece *new;

	if (size > TAKE_ARENA - total || (new = malloc(sizeof *new + size)) == NULL) {
		no_memory = size <= TAKE_ARENA - total;
		errno = ENOMEM;
		return NULL;
	}
	total += size;
	new->next = pieces;
	new->used = 0;
	new->size = size;
	pieces = new;
	return new;
}

void *take_keep(size_t n)
{
	struct piece *at = pieces;
	void *p;

	if (n > TAKE_ARENA) {
		errno = ENOMEM;
		return NULL;
	}
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (n <= sizeof first - first_used) {
		p = first + first_used;
		first_used += n;
		return p;
	}
	if ((at == NULL || n > at->size - at->used) && (at = add_piece(n)) == NULL)
		return NULL;
	p = at->p + at->used;
	at->used += n;
	return p;
}

void take_note_no_memory(void)
{
	no_memory = 1;
}

int take_has_no_memory(void)
{
	return no_memory;
}

void take_forget(void)
{
	while (pieces != NULL) {
		struct piece *next = pieces->next;

		free(pieces);
		pieces = next;
	}
	first_used = total = 0;
	no_memory = 0;
}
