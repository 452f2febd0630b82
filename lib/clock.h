/* clock: the two clocks. Deadlines and pauses use the monotonic one, births and
 * Date fields the wall clock. Neither fails on Linux.
 */
#ifndef QUOIN_CLOCK_H
#define QUOIN_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t clock_mono_ms(void);

/* Nanoseconds of CLOCK_REALTIME since 1970; 0 if the clock is before that. */
uint64_t clock_wall_ns(void);

/* Milliseconds left until deadline (of clock_mono_ms), for poll(): 0 when it
 * has passed, never more than INT_MAX; -1 (wait for ever) for CLOCK_NEVER. */
#define CLOCK_NEVER INT64_MAX
int clock_left_ms(int64_t deadline);

/* The earlier of two deadlines. */
int64_t clock_sooner(int64_t a, int64_t b);

#endif
