/* dests: what qsend knows of remote destinations, and which of them may get a job.
 *
 * A destination is the route of a job (its next hops), or else the domain. It is known
 * by a hash of 32 bits under a key made at the start, so that nobody can choose a domain
 * that shares another's fate. It has a name as well, that of the first next hop or the
 * domain, for control/destconcurrency, control/destrate and the log.
 *
 *	window	jobs at a time: DEST_START at first; after as many good jobs as it is wide
 *		one more, up to the limit (destconcurrency). Good: a recipient was
 *		accepted or refused for good, and the peer did not ask for less
 *	pace	with a rate (destrate, messages a minute) jobs begin evenly spread
 *	slow	(PACE_SLOW) the window is halved; jobs begin at least DEST_GAP apart,
 *		doubling up to DEST_GAP_MAX, and none for a rest of DEST_SLOW, doubling
 *		up to DEST_SLOW_MAX. Good jobs undo it step by step
 *	dead	(PACE_UNREACHABLE) passed over for DEST_DEAD, doubling up to
 *		DEST_DEAD_MAX; then one job shows whether it is back
 *	PACE_NO_NETWORK says nothing about a destination.
 *
 * A job that began before the last change of that kind does not repeat it: twenty that
 * fail together halve the window once. Who insists (a last attempt, the keeper) is held
 * up by the limit and the pace alone.
 *
 * A job needs a seat: dest_take() when it is certain to be tried, dest_give() when it
 * has ended or was none. At most DESTS_MAX are known; one of which nothing is under way
 * and nothing waits is forgotten after DEST_MEMORY (DEST_PLAIN_MEMORY if nothing is known
 * of it), or when another needs its place.
 * Where there is no place a destination goes unwatched (NULL).
 *
 * No clock is read here: now is the monotonic clock in ms.
 */
#ifndef QSEND_DESTS_H
#define QSEND_DESTS_H

#include <stddef.h>
#include <stdint.h>

#include "due.h"

enum {
	DESTS_MAX = 10000,
	DEST_LANES = 2, /* as SIZES in sched.h */
	DEST_LIMIT = 20,
	DEST_START = 5,
	DEST_NAME = 255,
};

/* Times in seconds. */
enum {
	DEST_MEMORY = 2 * 3600,
	DEST_PLAIN_MEMORY = 60, /* of what a new one would not differ from */
	DEST_PATIENCE = 3600, /* who has waited in line so long is looked at (turns.c) */
	DEST_GAP = 1,
	DEST_GAP_MAX = 30,
	DEST_SLOW = 5,
	DEST_SLOW_MAX = 300,
	DEST_DEAD = 300,
	DEST_DEAD_MAX = 3600,
};

/* The queues of struct dests; a destination is in each once at most. */
enum dest_link { DEST_STIRRED, DEST_OPEN, DEST_LINKS };

struct part; /* sched.h: recipients of a loaded message that wait here */

struct dest {
	uint32_t hash;
	unsigned limit;
	unsigned rate;
	unsigned used; /* seats taken */
	unsigned jobs; /* under way, for who counts them */
	unsigned window;
	unsigned good; /* jobs towards the next place of the window */
	unsigned gap;  /* seconds between two jobs, since it asked for less */
	unsigned slow; /* the last rest, seconds; 0: not slow */
	unsigned dead; /* the same, passed over; 0: alive */
	int64_t slow_until;
	int64_t dead_until;
	int64_t changed; /* when it was last found slow or dead */
	int64_t next;    /* no job before: pace and gap */

	/* Who waits for a seat: entries, by size, and parts of loaded messages. */
	struct due waiting[DEST_LANES];
	struct part *parked;
	struct part **parked_end;
	int turn; /* 1: the entries' */

	/* The lists and queues of struct dests. */
	struct dest *in_bucket;
	struct dest *older;
	struct dest *newer;
	struct dest *next_in[DEST_LINKS];
	uint8_t is_in[DEST_LINKS];
	int64_t touched;
	uint32_t armed; /* the earliest timer, 1/10 s; 0: none */
	char name[];
};

struct dest_queue {
	struct dest *head;
	struct dest **end;
	enum dest_link link;
};

struct ctlmap;

enum { DEST_BUCKETS = 4096 };

struct dests {
	struct dest *buckets[DEST_BUCKETS];
	struct dest *oldest;
	struct dest *newest;
	size_t n;
	struct dest_queue stirred; /* something has changed: look who may go */
	struct dest_queue open;    /* an entry may be admitted */
	struct due timers;         /* ns: the hash; due in 1/10 s */
	struct ctlmap *limits;
	struct ctlmap *rates;
	uint8_t key[16];
};

void dests_init(struct dests *t);

/* Read the control files, also for those that are known. -1: a file is faulty, nothing
 * has changed, control_error() says why. */
__attribute__((warn_unused_result)) int dests_load(struct dests *t);

/* Never 0. relay "": by the domain. */
uint32_t dests_hash(const struct dests *t, const char *relay, const char *domain);

struct dest *dests_find(const struct dests *t, uint32_t hash);
/* It is needed: forget others before it. */
void dest_touch(struct dests *t, struct dest *d, int64_t now);
/* The same, made if there is none; NULL: no place. */
struct dest *dests_get(struct dests *t, uint32_t hash, const char *relay,
		       const char *domain, int64_t now);

enum dest_can { DEST_GO, DEST_WAIT, DEST_PASS };
/* DEST_PASS: dead, to be passed over. */
enum dest_can dest_ask(const struct dest *d, int64_t now, int insist);
void dest_take(struct dests *t, struct dest *d, int64_t now);
void dest_give(struct dests *t, struct dest *d);

/* A job that began then has ended. Has something begun or ended that is worth a line? */
enum dest_news { DEST_SAME, DEST_IS_SLOW, DEST_IS_DEAD, DEST_IS_BACK };
enum dest_news dest_tell(struct dest *d, char pace, int good, int64_t began, int64_t now);

/* Leave it alone no longer. */
void dest_forgive(struct dest *d);
int dest_rests(const struct dest *d, int64_t now);

/* Does an entry wait there that is due? */
int dest_has_due(const struct dest *d, uint32_t now_s);

/* Put it at the end of a queue, if it is not in it; take the first. */
void dest_stir(struct dests *t, struct dest *d);
struct dest *dests_stirred(struct dests *t);
void dest_open(struct dests *t, struct dest *d);
struct dest *dests_open(struct dests *t);

/* Stir it when the time comes at which something may go: call it when that changed. */
void dest_arm(struct dests *t, struct dest *d, int64_t now);
/* Stir those whose time has come; when the next one comes (ms), or INT64_MAX. */
void dests_tick(struct dests *t, int64_t now);
int64_t dests_next(const struct dests *t);

void dests_free(struct dests *t);

#endif
