/* throttle: who has failed how often, and when his next password may be judged.
 *
 * Counted by address; of IPv6 by /64; what comes from this host itself (a webmail), or
 * from nobody knows where, by the name. The first failures cost nothing, each further
 * one doubles the pause between two judgements, right or wrong, however many connections
 * ask. A minute forgives one. The same wrong password again (a phone that nobody told)
 * does not count. The table has THROTTLE_MAX places, and who failed least makes room.
 */
#ifndef QAUTH_THROTTLE_H
#define QAUTH_THROTTLE_H

#include <stdint.h>

enum {
	THROTTLE_MAX = 4096,
	THROTTLE_FREE = 3,        /* failures without a pause */
	THROTTLE_PAUSE_MS = 1000, /* the first one */
	THROTTLE_LONGEST_MS = 15000,
	THROTTLE_WAIT_MS = 20000, /* who would wait longer is told "later" at once */
	THROTTLE_CUT = 10,        /* failures, from which on the connection is cut */
	THROTTLE_COUNT = 40,      /* more are not counted */
	THROTTLE_FORGIVE_MS = 60000
};

struct throttle_key {
	uint8_t b[16];
};

/* Is client an address? 1, or 0: it is none, and must be shown to nobody. */
int throttle_key(struct throttle_key *k, const char *client, const char *user);

unsigned throttle_failures(const struct throttle_key *k, int64_t now);

/* When may the next password be judged: now or later, or -1: too late. Takes the turn. */
int64_t throttle_turn(const struct throttle_key *k, int64_t now);

/* It was wrong: the failures so far, this one included. */
unsigned throttle_failed(const struct throttle_key *k, const char *user,
			 const char *password, int64_t now);

#endif
