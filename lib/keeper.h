/* keeper: the door of qsend: what its keeper asks over run/qsend-ctl, and what any
 * user asks over run/qsend-list about his own submissions.
 *
 * SOCK_SEQPACKET, one frame a packet, integers big-endian, strings NUL-ended:
 *
 *	request = "l"			list
 *		| "s"			stat
 *		| "r" id		retry now ("": all)
 *		| "p" channel:u8	pause (0 local, 1 remote)
 *		| "c" channel:u8	continue
 *	list    = *(message *recipient) "E"
 *	message = "M" id birth:u64 size:u64 uid:u32 next:u64 attempts:u32
 *		  recipients:u32 sender
 *	recipient = "R" state:u8 channel:u8 address text
 *	stat    = "S" messages:u64 deliveries:u64 loaded:u32 bounces:u32
 *		  2*(running:u32 limit:u32 waiting:u64 paused:u8)
 *	answer  = "K" count:u64 / "Z" text
 *
 * birth and next are seconds since 1970; next 0: under way. attempts: passes that
 * ended with a deferral. state: K delivered, D failed, Z deferred, T not tried.
 * channel: as above, 2 where it is not known yet. Over
 * run/qsend-list only "l" is answered, with the asker's own submissions (root: all).
 * A connection carries one request. Readers check every field; strings point into
 * the frame. Errors: -1 with EBADMSG (or what sbuf_cat() says).
 */
#ifndef QUOIN_KEEPER_H
#define QUOIN_KEEPER_H

#include <stddef.h>
#include <stdint.h>

#include "qid.h"
#include "qlimits.h"

struct sbuf;

enum keeper_ask {
	KEEPER_LIST = 'l',
	KEEPER_STAT = 's',
	KEEPER_RETRY = 'r',
	KEEPER_PAUSE = 'p',
	KEEPER_CONT = 'c',
};

struct keeper_request {
	char ask;
	char id[QID_LEN + 1];
	uint8_t channel;
};

struct keeper_channel {
	uint32_t running;
	uint32_t limit;
	uint64_t waiting;
	uint8_t paused;
};

/* Any frame of an answer: what is its letter, the fields below it that are set. */
struct keeper_frame {
	char what;      /* M R E S K Z */
	const char *id; /* M */
	uint64_t birth;
	uint64_t size;
	uint32_t uid;
	uint64_t next;
	uint32_t attempts;
	uint32_t recipients;
	const char *sender;
	char state; /* R */
	uint8_t channel;
	const char *address;
	const char *text;  /* R, Z */
	uint64_t messages; /* S */
	uint64_t deliveries;
	uint32_t loaded;
	uint32_t bounces;
	struct keeper_channel ch[2];
	uint64_t count; /* K */
};

__attribute__((warn_unused_result)) int
keeper_put_request(struct sbuf *b, const struct keeper_request *r);
__attribute__((warn_unused_result)) int keeper_get_request(struct keeper_request *r,
							   const char *p, size_t n);

__attribute__((warn_unused_result)) int keeper_put(struct sbuf *b,
						   const struct keeper_frame *f);
__attribute__((warn_unused_result)) int keeper_get(struct keeper_frame *f, const char *p,
						   size_t n);

/* The client: connect and ask. A list that run/qsend-ctl denies is asked for at
 * run/qsend-list. A descriptor, or -1: ENOENT, ECONNREFUSED: qsend does not run. */
int keeper_ask(const struct keeper_request *r);

/* The next frame of the answer, in buf (LIMIT_FRAME bytes). -1 with errno; EPIPE:
 * the connection ended. deadline: clock.h. */
__attribute__((warn_unused_result)) int keeper_next(int fd, struct keeper_frame *f,
						    char *buf, int64_t deadline);

#endif
