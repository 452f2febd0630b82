/* keeper: the door of qsend: what its keeper asks over run/qsend-ctl, and what any
 * user asks over run/qsend-list about his own submissions.
 *
 * SOCK_SEQPACKET, one frame a packet, integers big-endian, strings NUL-ended:
 *
 *	request = "l"			list
 *		| "s"			stat
 *		| "p" channel:u8	pause (0 local, 1 remote)
 *		| "c" channel:u8	continue
 *		| "r" *id		retry now (none: all that wait)
 *		| "h" id *id		hold
 *		| "u" id *id		release
 *		| "d" id *id		delete
 *		| "m" id *id		delete what was moved to another host
 *		| "t" id *id		know what was put into cur/, as held
 *	list    = *(message *recipient) "E"
 *	message = "M" id birth:u64 size:u64 uid:u32 next:u64 attempts:u32
 *		  recipients:u32 held:u8 sender
 *	recipient = "R" state:u8 channel:u8 address text
 *	stat    = "S" started:u64 messages:u64 held:u64 loaded:u32 bounces:u32
 *		  resting:u32 oldest:u64 overdue:u64 stalled:u64 deliveries:u64
 *		  accepted:u64 bytes:u64 ended:u64 notifications:u64 removed:u64 bad:u64
 *		  2*(running:u32 limit:u32 waiting:u64 paused:u8
 *		     delivered:u64 failed:u64 deferred:u64)
 *	answer  = "K" count:u64 / "A" letters / "Z" text
 *
 * An answer to ids is "A" with a letter for each, in their order: K done; W done as
 * far as can be, a delivery is under way (a hold: nothing more begins; a removal
 * takes place when it has reported); N not in the queue; H is held, and so not
 * tried; Z not now, the log says why. At most KEEPER_IDS of them a request.
 *
 * stat: gauges, except from deliveries to bad and delivered, failed, deferred, which
 * count since `started` (seconds since 1970): numbers given to deliveries, messages
 * accepted and their bytes, messages that ended, notifications among those, messages that
 * the keeper removed (deleted, moved), messages set aside. oldest: birth of the oldest
 * message, 0 if there is none. overdue: for how many seconds the one that waits longest
 * has been due without being tried, though its channel is not paused and it is
 * not held; stalled: the same, but not more than the time since a delivery of its channel
 * began or ended. resting: destinations that are left alone for a while.
 *
 * birth and next are seconds since 1970; next 0: under way. attempts: passes that
 * ended with a deferral. state: K delivered, D failed, Z deferred, T not tried.
 * channel: as above, 2 where it is not known yet. Over
 * run/qsend-list only "l" is answered, with the asker's own submissions (root: all).
 * A connection carries one list or stat, or any number of the others, each sent when the
 * one before was answered. Readers check every field; strings point into the frame.
 * Errors: -1 with EBADMSG (or what sbuf_cat() says).
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
	KEEPER_HOLD = 'h',
	KEEPER_RELEASE = 'u',
	KEEPER_DELETE = 'd',
	KEEPER_MOVE = 'm',
	KEEPER_TAKE = 't',
};

/* KEEPER_REQUEST: bytes of the longest request. */
enum { KEEPER_IDS = 1000, KEEPER_REQUEST = 1 + KEEPER_IDS * (QID_LEN + 1) };

struct keeper_request {
	char ask;
	uint8_t channel;
	size_t n;
	const char *ids; /* n of them, each with its NUL */
};

/* The i-th of them. */
static inline const char *keeper_id(const struct keeper_request *r, size_t i)
{
	return r->ids + i * (QID_LEN + 1);
}

struct keeper_channel {
	uint32_t running;
	uint32_t limit;
	uint64_t waiting;
	uint8_t paused;
	uint64_t delivered;
	uint64_t failed;
	uint64_t deferred;
};

/* Any frame of an answer: what is its letter, the fields below it that are set. */
struct keeper_frame {
	char what;      /* M R E S K A Z */
	const char *id; /* M */
	uint64_t birth;
	uint64_t size;
	uint32_t uid;
	uint64_t next;
	uint32_t attempts;
	uint32_t recipients;
	uint8_t held;
	const char *sender;
	char state; /* R */
	uint8_t channel;
	const char *address;
	const char *text; /* R, Z; A: the letters */
	uint64_t started; /* S */
	uint64_t messages;
	uint64_t messages_held;
	uint32_t loaded;
	uint32_t bounces;
	uint32_t resting;
	uint64_t oldest;
	uint64_t overdue;
	uint64_t stalled;
	uint64_t deliveries;
	uint64_t accepted;
	uint64_t bytes;
	uint64_t ended;
	uint64_t notifications;
	uint64_t removed;
	uint64_t bad;
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

/* One more request on that connection: 0, or -1. */
__attribute__((warn_unused_result)) int keeper_again(int fd,
						     const struct keeper_request *r);

/* The next frame of the answer, in buf (LIMIT_FRAME bytes). -1 with errno; EPIPE:
 * the connection ended. deadline: clock.h. */
__attribute__((warn_unused_result)) int keeper_next(int fd, struct keeper_frame *f,
						    char *buf, int64_t deadline);

#endif
