/* bounce: what qsend tells qbounce.
 *
 *	frame  = "C" copy:u32 qsbmf:u8 me NUL from NUL doubled NUL
 *						settings, from now on
 *		 "M" slot:u16 id NUL		a queue file, as a descriptor, and right
 *						after it one of these, with its journal:
 *		 "J" slot:u16 id NUL		all is decided: failures and successes
 *		 "W" slot:u16 id NUL until:u64	a warning: what waits is tried until then
 *	report = that of lib/job.h with one letter:
 *		 K, the text is the notification's id; Z try later; D never;
 *		 B the queue file is corrupt
 *
 * Descriptors are read only, fresh open file descriptions. The first frame is C.
 * Errors: -1 with EBADMSG. Strings point into the frame.
 */
#ifndef QSEND_BOUNCE_H
#define QSEND_BOUNCE_H

#include <stddef.h>
#include <stdint.h>

#include "qlimits.h"
#include "sbuf.h"

enum {
	BOUNCE_SETTINGS = 'C',
	BOUNCE_MESSAGE = 'M',
	BOUNCE_JOURNAL = 'J',
	BOUNCE_WARNING = 'W',
	BOUNCE_FRAME = 64 + LIMIT_DOMAIN + 2 * LIMIT_ADDRESS
};

struct bounce_settings {
	uint32_t copy;       /* bouncemaxbytes; 0: no limit */
	uint8_t qsbmf;       /* failures in qmail's format */
	const char *me;      /* Reporting-MTA */
	const char *from;    /* bouncefrom@bouncehost */
	const char *doubled; /* doublebounceto@doublebouncehost */
};

struct bounce_frame {
	char part;
	uint16_t slot;
	const char *id;
	uint64_t until; /* W */
	struct bounce_settings settings;
};

__attribute__((warn_unused_result)) int bounce_put(struct sbuf *b,
						   const struct bounce_frame *f);
__attribute__((warn_unused_result)) int bounce_get(const char *p, size_t n,
						   struct bounce_frame *f);

#endif
