/* remotejob: the frames between qrspawn and its child qremote: those of job.h with
 * what is known of addresses in front.
 *
 *	job    = count:u16 count*(ip:16 port:u16) frame-of-job.h, with the descriptor
 *	report = count:u8 count*(ip:16 port:u16 reach:u8) report-of-job.h
 *	ip     = an IPv6 address; IPv4 as ::ffff:192.0.2.1
 *	reach  = C a connection came about | T timed out | R refused, or nobody there
 *
 * A job names addresses that are left alone for now, as they did not answer lately; with
 * JOB_INSIST they are tried all the same. The port belongs to an address: a host that has
 * no server at one may have the next hop of everybody at another. A report tells how the
 * addresses that were tried did. Readers check every field; pointers point into the frame.
 * Errors: -1, EBADMSG.
 */
#ifndef QUOIN_REMOTEJOB_H
#define QUOIN_REMOTEJOB_H

#include <stddef.h>
#include <stdint.h>

#include "job.h"
#include "qlimits.h"

enum {
	REMOTEJOB_ADDR = 18,  /* ip and port */
	REMOTEJOB_DEAD = 256, /* addresses of a job */
	REMOTEJOB_TRIED = 20, /* of a report */
	LIMIT_REMOTEFRAME = LIMIT_FRAME + 2 + REMOTEJOB_DEAD * REMOTEJOB_ADDR
};

enum { REACH_CONNECTED = 'C', REACH_TIMEOUT = 'T', REACH_REFUSED = 'R' };

struct remotejob_dead {
	size_t count;
	const char *addrs; /* count * REMOTEJOB_ADDR bytes */
};

struct remotejob_tried {
	size_t count;
	struct {
		uint8_t addr[REMOTEJOB_ADDR];
		char reach;
	} at[REMOTEJOB_TRIED];
};

/* The n bytes at frame are of job.h. */
__attribute__((warn_unused_result)) int remotejob_put(struct sbuf *b,
						      const struct remotejob_dead *dead,
						      const char *frame, size_t n);
__attribute__((warn_unused_result)) int
remotejob_get(struct job *j, struct remotejob_dead *dead, const char *p, size_t n);

int remotejob_is_dead(const struct remotejob_dead *dead,
		      const uint8_t addr[REMOTEJOB_ADDR]);

__attribute__((warn_unused_result)) int
remotejob_report_put(struct sbuf *b, const struct remotejob_tried *tried,
		     const struct report *r);

/* Takes what is in front; the rest, *p and *n, is of job.h. */
__attribute__((warn_unused_result)) int
remotejob_report_get(struct remotejob_tried *tried, const char **p, size_t *n);

#endif
