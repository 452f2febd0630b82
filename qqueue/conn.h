/* conn: one client: offers, a submission under way, answers.
 *
 *	READING -- whole message --> SYNCING -- K or Z, next offer --> READING
 *	READING -- something fails --> READING, the rest is thrown away, then Z or D
 *	anything that is no submission, or the end of file --> gone
 */
#ifndef QQUEUE_CONN_H
#define QQUEUE_CONN_H

#include <sys/types.h>

#include "draft.h"
#include "frame.h"
#include "server.h"

enum conn_state { CONN_READING, CONN_SYNCING, CONN_LAST_WORDS, CONN_GONE };

struct conn {
	struct source source; /* first */
	struct server *server;
	struct conn *next;
	struct conn **back;
	int fd;
	uint32_t watched;
	enum conn_state state;
	pid_t pid;
	struct account *account;
	int64_t deadline; /* of silence */

	struct frame frame;
	struct draft draft;
	int drafting;           /* draft is in use */
	struct sender *counted; /* whose draft it is, if a login's */
	int64_t counted_hour;
	struct quota_use use; /* of this submission, a part of the account's */
	char verdict;         /* 'Z' or 'D' once the submission has failed */
	const char *why;      /* text that lives for ever */
	int why_errno;        /* its strerror is added */
	char id[QID_LEN + 1]; /* offered */
	struct work commit;
	struct sbuf out; /* not sent yet */
};

/* A client has connected: fd is taken over, whatever comes of it. */
void conn_open(struct server *s, int fd);

/* Close it, and drop what is not being committed. */
void conn_close(struct conn *c);

/* Nothing of a submission has begun, and nothing is to be sent. */
int conn_is_idle(const struct conn *c);

/* Take the offer back from an idle one. A client who did not know has until then (ms of
 * the server's clock) to send his envelope, and is served. */
void conn_withdraw(struct conn *c, int64_t until);

/* Free what conn_close() left behind. */
void conn_free_dead(struct server *s);

#endif
