/* bounce: what qsend tells qbounce: for each notification two frames, each with a
 * descriptor (read only, a fresh open file description):
 *
 *	frame  = "M" slot:u16 id NUL		with the queue file
 *		 "J" slot:u16 id NUL		with its journal (journal.h), right after
 *	report = that of lib/job.h with one letter:
 *		 K, the text is the notification's id; Z try later; D never;
 *		 B the queue file is corrupt
 *
 * Errors: -1 with EBADMSG.
 */
#ifndef QSEND_BOUNCE_H
#define QSEND_BOUNCE_H

#include <stddef.h>
#include <stdint.h>

#include "sbuf.h"

enum { BOUNCE_MESSAGE = 'M', BOUNCE_JOURNAL = 'J', BOUNCE_FRAME = 64 };

__attribute__((warn_unused_result)) int bounce_put(struct sbuf *b, char part,
						   uint16_t slot, const char *id);
__attribute__((warn_unused_result)) int bounce_get(const char *p, size_t n, char *part,
						   uint16_t *slot, const char **id);

#endif
