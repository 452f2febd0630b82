/* alloc: how a program whose allocations are wrapped asks whether the next may succeed:
 * brk(ALLOC_ASKS), an address that no heap has, so that without a tracer nothing happens.
 * A result between -4095 and -1 is the errno it shall fail with. */
#ifndef ALLOC_H
#define ALLOC_H

#define ALLOC_ASKS 0xA110C

#endif
