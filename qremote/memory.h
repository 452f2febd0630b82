/* memory: the addresses that did not answer lately (qmail's tcpto). qrspawn keeps it;
 * a child is told with its job whom to leave alone, and tells back how it went.
 *
 * Rule: an address that timed out twice, with MEMORY_GAP or more between and no
 * connection since the first time, is left alone for MEMORY_TIMEOUT and up to a half
 * more. One that refused likewise, for MEMORY_REFUSED: to ask it is cheap, and a server
 * that was restarted should get its mail. When the time is over one more failure begins
 * it anew. A connection that came about forgets all.
 * Owner: static storage of MEMORY_SIZE entries; a full table forgets the oldest.
 */
#ifndef QREMOTE_MEMORY_H
#define QREMOTE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "remotejob.h"

enum {
	MEMORY_SIZE = REMOTEJOB_DEAD,
	/* ms */
	MEMORY_GAP = 120000,
	MEMORY_TIMEOUT = 3600000,
	MEMORY_REFUSED = 600000
};

struct memory {
	size_t n;
	struct memory_entry {
		uint8_t addr[REMOTEJOB_ADDR];
		int64_t failed; /* when the failure that counts was */
		int64_t until;  /* left alone; 0: it failed once */
	} entry[MEMORY_SIZE];
	char addrs[MEMORY_SIZE * REMOTEJOB_ADDR]; /* for memory_dead() */
};

/* now: of clock_mono_ms(). */
void memory_note(struct memory *m, const struct remotejob_tried *tried, int64_t now);

/* Those to be left alone; they live until the next call. */
struct remotejob_dead memory_dead(struct memory *m, int64_t now);

#endif
