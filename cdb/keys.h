/* keys: all names of a table, to find those that stand there twice. */
#ifndef QUOIN_KEYS_H
#define QUOIN_KEYS_H

#include <stddef.h>

struct text;

struct key {
	char *name; /* NUL-ended */
	unsigned line;
};

struct keys {
	struct key *key;
	size_t count;
	size_t cap;
};

/* name is the table's from now on. Ends the program when memory does. */
void keys_add(struct keys *k, char *name, unsigned line);

/* Ends the program by text_bad() when one stands there twice. Sorts them. */
void keys_once(struct keys *k, const struct text *t);

#endif
