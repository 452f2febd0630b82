/* job: the frames between qsend and a spawner, and between a spawner and its child.
 *
 * One frame is one SOCK_SEQPACKET packet of at most LIMIT_FRAME bytes, integers
 * big-endian, strings NUL-ended:
 *
 *	job    = slot:u16 id msg_offset:u64 msg_len:u64 msg_sum:16 bytes
 *		 birth:u64 flags:u8 sender route count:u16 count*recipient,
 *		 and the queue file as a descriptor: a fresh open file description,
 *		 read only, whose offset belongs to this job alone
 *	report = slot:u16 count:u16 count*(letter text)
 *	slot   = 0..65534, unique among the jobs under way
 *	letter = K delivered | Z try later | D never | B the queue file is corrupt
 *	text   = one line, escape_text(); empty is allowed
 *
 * birth: seconds since 1970. flags: none yet, zero. route: what the deciding code
 * (route.h) added: for a local job the local part that a dot-file is looked up for,
 * for a remote one "host port" of smtproutes or "". A report answers the
 * recipients in the order of the job.
 * Readers check every field; pointers point into the frame. Errors: -1, EBADMSG.
 */
#ifndef QUOIN_JOB_H
#define QUOIN_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "qid.h"
#include "qlimits.h"
#include "sum.h"

struct sbuf;

struct job {
	uint16_t slot;
	const char *id;
	uint64_t msg_offset;
	uint64_t msg_len;
	uint8_t msg_sum[SUM_LEN];
	uint64_t birth;
	uint8_t flags;
	const char *sender;
	const char *route;
	uint16_t nrcpts;
	const char *rcpts[LIMIT_JOBRCPTS];
};

struct report {
	uint16_t slot;
	uint16_t count;
	char letter[LIMIT_JOBRCPTS];
	const char *text[LIMIT_JOBRCPTS];
};

__attribute__((warn_unused_result)) int job_put(struct sbuf *b, const struct job *j);
__attribute__((warn_unused_result)) int job_get(struct job *j, const char *p, size_t n);

__attribute__((warn_unused_result)) int report_put(struct sbuf *b,
						   const struct report *r);
__attribute__((warn_unused_result)) int report_get(struct report *r, const char *p,
						   size_t n);

/* A report that gives all recipients of j the same letter and text. */
__attribute__((warn_unused_result)) int report_all(struct sbuf *b, const struct job *j,
						   char letter, const char *text);

#endif
