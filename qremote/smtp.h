/* smtp: one connection to one server, as its client (RFC 5321, 2920, 1870, 6152, 3461,
 * 3207, 8314, 4954).
 *
 *	smtp_open(&s, &target, &demand, deadline)	connect, greeting, EHLO, TLS, AUTH
 *	smtp_send(&s, &mail, &outcome)		one message; as often as
 *	smtp_is_reusable(&s)			allows it
 *	smtp_close(&s)				QUIT
 *
 * Trust:    none. A reply has limits (reply.h), each wait has one, and a server that
 *           speaks before it is asked is given up.
 * Errors:   s.why is one line with the server's name and what it said or did not do,
 *           s.why_code the reply's code or 0.
 * Owner:    static storage (it is large).
 */
#ifndef QREMOTE_SMTP_H
#define QREMOTE_SMTP_H

#include <stdint.h>

#include "dest.h"
#include "qlimits.h"
#include "rbuf.h"
#include "reply.h"
#include "tlsgate.h"
#include "transcript.h"

struct body;
struct config;
struct demand;
struct job;
struct outcome;

enum {
	CAP_PIPELINING = 1,
	CAP_SIZE = 2,
	CAP_8BITMIME = 4,
	CAP_DSN = 8,
	CAP_STARTTLS = 16,
	CAP_PLAIN = 32, /* AUTH */
	CAP_LOGIN = 64
};

struct smtp {
	const struct config *cfg;
	int fd; /* -1: not connected */
	struct target peer;
	char name[LIMIT_DOMAIN + 64]; /* "mx.example [192.0.2.1]", a port if not 25 */
	int caps;
	int lost;     /* nothing more can be said to it */
	int no_route; /* the network could not be reached at all */
	char reach;   /* of the last smtp_open(): REACH_... (remotejob.h), or 0 */
	int greeted;  /* the same: it came to a good answer to EHLO */
	int slow;     /* a server asked for less; the caller clears it */
	int dirty;    /* a transaction is open or was refused */
	unsigned sent;
	int tls;                /* what is said is encrypted */
	struct tls_facts facts; /* if so */
	const char *verified;   /* "dane", "name", "pin", or "no" */
	int waited;             /* for qtls, and it was not there */
	int tls_failed;         /* of the last connection; in clear it may do better */
	char tls_why[LIMIT_TEXT + 1];   /* why there is none though we wanted to, or "" */
	char login[LIMIT_SMTPUSER + 1]; /* who we are there, "" for nobody */
	const char *secret[2];          /* what no reply may repeat to a log; or NULL */
	int64_t opened;
	int64_t deadline; /* of the job until its DATA, then of the message */
	struct reply reply;
	struct rbuf in;
	struct obuf out;
	int why_code;
	char why[LIMIT_TEXT + 1];
	struct transcript transcript; /* of this connection */
};

struct mail {
	const struct job *job;
	struct body *body; /* scanned */
	int64_t deadline;  /* until DATA is answered */
	int guard;         /* at its end of file nobody waits for us: no final dot then */
};

void smtp_init(struct smtp *s, const struct config *cfg);

/* 0, or -1 with s->why; then it is closed again. It proves what is demanded (not
 * ACT_SKIP) before anything of the message is said. */
int smtp_open(struct smtp *s, const struct target *t, const struct demand *d,
	      int64_t deadline);

/* Instead of smtp_open(): not this host, and s->why. */
void smtp_skip(struct smtp *s, const struct target *t, const char *why);

/* Decides recipients of *o; those left undecided may be tried at another host (s->why
 * says why): the final dot was not sent to this one. Recipients that are too many for one
 * transaction get further ones, at once. */
void smtp_send(struct smtp *s, const struct mail *m, struct outcome *o);

/* May it carry one more message, as far as we know? And does the server still listen? */
int smtp_may_go_on(const struct smtp *s);
int smtp_is_reusable(struct smtp *s);

/* "none", "TLSv1.3 TLS_AES_256_GCM_SHA384 dane" */
enum { SMTP_TLS = 96 };
void smtp_tls_words(const struct smtp *s, char out[SMTP_TLS]);

void smtp_close(struct smtp *s);

#endif
