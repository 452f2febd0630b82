/* words: what a starter is called with, and with what it runs itself, or qtls-wait, anew:
 * qtls and qtls-wait take the same words, so that each can take the other's place.
 */
#ifndef QTLS_WORDS_H
#define QTLS_WORDS_H

#include "doors.h"
#include "qlimits.h"

#define WORDS_USAGE " -s | -c [-C dir] [-d fd] [-i fd] [-w seconds] name[:uid[,uid]] ..."

enum { WORDS_IDLE = 300, WORDS_IDLE_MAX = 86400 };

struct words {
	int server;
	int notify;    /* -1: nobody waits */
	int heir;      /* a descriptor of heir.h, -1: none */
	unsigned idle; /* seconds without a session, then qtls-wait; 0: never */
	struct doors *doors;
	/* to run it anew: the words, and where -i's goes */
	const char **argv;
	const char **place;
};

/* Read them; ends the program if they are wrong. idle stays what it is without -w. */
void words_read(struct words *w, const char *usage, int argc, char **argv);

/* The path of the program of this name, in the directory of this one: its own by its path
 * where that is known, since after an upgrade it is another file. */
const char *words_program(const char *self, const char *name, char path[LIMIT_PATH]);

#endif
