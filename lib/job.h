/* job: the frames between qsend and a spawner, and between a spawner and its child.
 *
 * One frame is one SOCK_SEQPACKET packet of at most LIMIT_FRAME bytes, integers
 * big-endian, strings NUL-ended:
 *
 *	job    = slot:u16 id msg_offset:u64 msg_len:u64 msg_sum:16 bytes
 *		 birth:u64 flags:u8 sender route envid
 *		 logins:u8 logins*(host user password) count:u16
 *		 count*(recipient notify:u8 orcpt),
 *		 and the queue file as a descriptor: a fresh open file description,
 *		 read only, whose offset belongs to this job alone
 *	report = slot:u16 pace:u8 count:u16 count*(letter text)
 *	slot   = 0..65534, unique among the jobs under way
 *	letter = K delivered
 *		 R passed on to somebody who tells of success himself (RFC 3461 5.2.2)
 *		 X forwarded to several addresses, none of which tells of it (5.2.7.3)
 *		 Z try later, D never, B the queue file is corrupt
 *	pace   = O nothing to say, S the destination asks for less (421, 4.7.x),
 *		 U no host of it could be reached, N there is no network, or no resolver
 *	text   = one line, escape_text(); empty is allowed
 *
 * birth: seconds since 1970. flags: JOB_... route: what the deciding code
 * (route.h) added: for a local job the local part that a dot-file is looked up for,
 * for a remote one its next hops, or "" for the MX. envid, orcpt: as in qfile.h, "" for
 * none; notify: NOTIFY_..., 0 for none. logins: what hops of the route are to be told
 * once they are verified (smtpauth.h); who is done with a frame that may hold one wipes
 * it.
 * A report answers the recipients in the order of the job. Pace is about the
 * destination; of a local job it is O. job_room() tells how many bytes a recipient takes,
 * so that a job ends before its frame is full. Readers check every field; pointers point
 * into the frame.
 * Errors: -1, EBADMSG.
 */
#ifndef QUOIN_JOB_H
#define QUOIN_JOB_H

#include <stddef.h>
#include <stdint.h>

#include "qfile.h"
#include "qid.h"
#include "qlimits.h"
#include "sum.h"

struct sbuf;

enum {
	JOB_INSIST = 1,   /* ask also hosts that did not answer a while ago */
	JOB_RET_FULL = 2, /* RET=FULL, RET=HDRS; neither: not said */
	JOB_RET_HDRS = 4,
};

enum {
	PACE_NONE = 'O',
	PACE_SLOW = 'S',
	PACE_UNREACHABLE = 'U',
	PACE_NO_NETWORK = 'N',
};

struct job_login {
	const char *host; /* as in the route */
	const char *user;
	const char *password;
};

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
	const char *envid;
	uint8_t nlogins;
	struct job_login logins[LIMIT_JOBAUTHS];
	uint16_t nrcpts;
	const char *rcpts[LIMIT_JOBRCPTS];
	uint8_t notify[LIMIT_JOBRCPTS];
	const char *orcpt[LIMIT_JOBRCPTS];
};

struct report {
	uint16_t slot;
	char pace; /* 0 is written as PACE_NONE */
	uint16_t count;
	char letter[LIMIT_JOBRCPTS];
	const char *text[LIMIT_JOBRCPTS];
};

/* A NULL envid or orcpt is written as "". */
__attribute__((warn_unused_result)) int job_put(struct sbuf *b, const struct job *j);
/* Bytes of a frame without recipients and logins, at most, of one recipient, and of the
 * logins. */
enum { JOB_HEAD = 128 + 2 * LIMIT_ADDRESS + LIMIT_ROUTE + LIMIT_ENVID };
size_t job_room(const char *rcpt, const char *orcpt);
size_t job_logins_room(const struct job *j);

/* The login for a host, or NULL. */
const struct job_login *job_login(const struct job *j, const char *host);

__attribute__((warn_unused_result)) int job_get(struct job *j, const char *p, size_t n);

__attribute__((warn_unused_result)) int report_put(struct sbuf *b,
						   const struct report *r);
__attribute__((warn_unused_result)) int report_get(struct report *r, const char *p,
						   size_t n);

/* A report that gives all recipients of j the same letter and text, PACE_NONE. */
__attribute__((warn_unused_result)) int report_all(struct sbuf *b, const struct job *j,
						   char letter, const char *text);

#endif
