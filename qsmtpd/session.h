/* session: one SMTP session, its state and its commands.
 */
#ifndef QSMTPD_SESSION_H
#define QSMTPD_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "authask.h"
#include "config.h"
#include "rbuf.h"
#include "replies.h"
#include "sbuf.h"
#include "submit.h"

enum {
	LIMIT_COMMAND = 2048,       /* RFC 5321 4.5.3.1.4: 512, and a long quoted path */
	LIMIT_ERRORS = 50,          /* of a session, in a row without a message */
	LIMIT_JUNK = 100,           /* NOOP and the like between two messages */
	LIMIT_SESSION_MS = 7200000, /* no command is begun after this, no DATA longer */
	LIMIT_HEADER_BYTES = 1 << 20, /* of a message's header */
	LIMIT_KEYNAME = 64            /* in control/relaykeys */
};

/* What qtls tells of the connection. */
struct secured {
	int on;
	char version[16];
	char cipher[64];
	char key[LIMIT_KEYNAME + 1]; /* name of the client's key, or "" */
};

struct session {
	struct config cfg;
	struct peer peer;

	enum { GOES_ON, OVER, OVER_REFUSED } over; /* what was said is still sent */
	int64_t end;
	unsigned errors;
	unsigned junk;
	unsigned full; /* 452 said */

	struct secured tls;
	char login[LIMIT_LOGIN + 1]; /* or "" */
	unsigned auths;              /* AUTH said */

	enum { NO_HELO, HELO, EHLO } greeted;
	char helo[LIMIT_DOMAIN + 1];

	int has_sender; /* a transaction is open */
	char sender[LIMIT_ADDRESS + 1];
	char first_rcpt[LIMIT_ADDRESS + 1];
	struct sbuf env;   /* its fields up to the last recipient */
	struct sbuf trace; /* our Received */
	size_t nrcpts;

	int queue_open;
	int rcpt_fd; /* to qrcpt, or -1 */
	char line[LIMIT_COMMAND + 1];

	/* Behind the rest for their buffers: an idle session needs few pages. */
	struct rbuf in;
	struct obuf out;
	struct submit queue; /* to qqueue */
};

/* Room for what most messages need: a template has it for all its sessions. */
void session_prepare(struct session *s);

/* That was done, cfg and peer are there; ready for session_serve(). */
void session_init(struct session *s, int in, int out);

/* From the greeting to the end. */
void session_serve(struct session *s);

/* The same, the greeting being said. */
void session_commands(struct session *s);

/* For the replies: put text in the output; a lost client ends the session. */
void session_say(struct session *s, const char *text);

/* The next line of the client, in line. -1: it was told, or is gone. */
int session_line(struct session *s);

/* The client has proved to be somebody of ours. */
void session_may_relay(struct session *s);

/* May it send mail at all? For a service that wants a proof. */
int session_is_known(const struct session *s);

/* Forget the transaction. */
void session_reset(struct session *s);

/* One line of the log about something refused. */
void session_log_refusal(const struct session *s, const char *why, const char *rcpt);

/* The commands: arg is what stands behind the verb, without blanks at its ends. */
void cmd_helo(struct session *s, char *arg);
void cmd_ehlo(struct session *s, char *arg);
void cmd_mail(struct session *s, char *arg);
void cmd_rcpt(struct session *s, char *arg);
void cmd_data(struct session *s, char *arg);
void cmd_rset(struct session *s, char *arg);
void cmd_noop(struct session *s, char *arg);
void cmd_help(struct session *s, char *arg);
void cmd_vrfy(struct session *s, char *arg);
void cmd_quit(struct session *s, char *arg);
void cmd_auth(struct session *s, char *arg);
void cmd_starttls(struct session *s, char *arg);
void cmd_expn(struct session *s, char *arg);
void cmd_not_offered(struct session *s, char *arg);
void cmd_bdat(struct session *s, char *arg);
void cmd_not_smtp(struct session *s, char *arg);

/* The path behind "FROM:" or "TO:" in arg: 0, or -1. rest gets the parameters. */
int cmd_path(char *arg, const char *word, char kept[LIMIT_ADDRESS + 1], int *routed,
	     char **rest);

/* What the parameters of a MAIL or RCPT say; strings are in the command line. */
struct params {
	const struct config *cfg;
	const char *envid; /* or NULL, like orcpt */
	const char *orcpt;
	char ret[2]; /* or "" */
	unsigned notify;
};

/* One of them: SAY_OK, or what to say. Of an extension that is not offered (no_dsn; AUTH
 * where there is no submission) they are not known. */
enum extension { OF_ALL, OF_DSN, OF_AUTH };
struct param {
	const char *name;
	enum reply (*take)(struct params *p, const char *value);
	enum extension of;
};

/* All of rest, by the table (which ends in a NULL name); each at most once. */
enum reply cmd_params(struct params *p, const struct param *table, char *rest);

/* Without SMTPUTF8 (RFC 6531) addresses are ASCII. */
int cmd_is_ascii(const char *s);

#endif
