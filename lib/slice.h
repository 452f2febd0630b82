/* slice: short turns on the processor, for who answers somebody that waits.
 *
 * Since Linux 6.12 a process may ask for the length of its turns (sched_setattr(2), the
 * runtime of SCHED_OTHER). Short ones come sooner when it wakes among busy others, and
 * more often; its share of the processor is the same. What it starts inherits it.
 * Errors: none: an older kernel, or one that refuses, leaves everything as it was.
 */
#ifndef QUOIN_SLICE_H
#define QUOIN_SLICE_H

enum { SLICE_NS = 100000 }; /* the shortest that the kernel takes */

void slice_short(void);

#endif
