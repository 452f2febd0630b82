/* seats: who is connected, and how often; limits for each address (for IPv6 the /64,
 * since that is what one customer has) and in total.
 */
#ifndef QLISTEN_SEATS_H
#define QLISTEN_SEATS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct seats;

/* total: connections at once; each: of one address; rate: new ones a minute of one
 * address, 0 for no limit. NULL: no memory. */
struct seats *seats_new(unsigned total, unsigned each, unsigned rate);
void seats_free(struct seats *s);

/* Every seat is taken. */
int seats_full(const struct seats *s);
unsigned seats_taken(const struct seats *s);

enum seat_answer { SEAT_YES, SEAT_TOO_MANY, SEAT_TOO_FAST };

/* May this address have one more? now: clock_mono_ms(). *told is where the caller
 * remembers that a refusal was logged; it goes back to 0 after a minute. */
enum seat_answer seats_ask(struct seats *s, const struct sockaddr *sa, int64_t now,
			   int **told);

/* The address asked for last takes its seat; and a child that ended gives it back: 1, or
 * 0 if it had none. */
void seats_take(struct seats *s, pid_t pid);
int seats_give(struct seats *s, pid_t pid);

/* Who sits, for a successor: at most max; how many. seats_restore() forgets whom it has
 * no room for. */
struct seat {
	pid_t pid;
	unsigned char key[16]; /* of the address */
};
unsigned seats_list(const struct seats *s, struct seat *out, unsigned max);
void seats_restore(struct seats *s, const struct seat *seat);

#endif
