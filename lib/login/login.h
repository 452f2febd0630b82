/* login: what the login programs of POP3 and IMAP share: one stranger's session until a
 * password was right. The words of the protocol are the program's; here is the way its
 * lines are read, TLS, and who judges.
 *
 *	static struct login l = {.service = "pop3"};
 *	login_start(&l, usage, &jail_qpop3d_login, argc, argv);
 *	while (!l.over)
 *		login_line(&l, ...) ... login_ask(&l, ...)
 *	login_end(&l);
 *
 * Nothing behind the line that was asked for is ever taken from the socket: what a client
 * sends behind its password is for the server that runs then.
 * Who judges: qauth (authask.h), which gets the session and starts the server, whereupon
 * this program ends; or the checkpassword program of the arguments. That one is run by a
 * process of its own, which was forked before the sandbox closed and reads no byte of the
 * client; this one, with nothing more to do, waits for the session's end.
 * Owner:  static storage; descriptors close with the process.
 * Errors: over is set when the client is lost, or told that it is cut.
 */
#ifndef QUOIN_LOGIN_H
#define QUOIN_LOGIN_H

#include <stddef.h>
#include <stdint.h>

#include "authask.h"
#include "jail.h"
#include "qlimits.h"
#include "sasl.h"

enum {
	LOGIN_LINE = 8192,   /* a command, whatever is in it */
	LOGIN_SAID = 1024,   /* a reply */
	LOGIN_ERRORS = 10,   /* commands that are none; then the client is cut */
	LOGIN_ATTEMPTS = 10, /* passwords in one session */
	LOGIN_PORTS = 8      /* -T */
};

struct login {
	const char
	    *service; /* imap, pop3: of authask.h, and the protocol of TLS (ALPN) */
	int in, out;
	int is_socket; /* else every byte is read by itself */
	int64_t end;   /* when whoever has not logged in is cut */
	int over;      /* OVER_… */
	int tls_on;
	int tls_is_served;
	int may_clear; /* a password may come without TLS */
	int checker;   /* to the process that runs checkpassword, or -1 */
	unsigned errors, attempts;
	const char *host;
	char client[LIMIT_AUTHCLIENT + 1];
};

enum { OVER_ENDED = 1, OVER_CUT, OVER_PASSED_ON };

/* Options, environment, control/logintimeout, the sandbox, TLS where it comes first.
 *	-t	TLS at once; -T PORT at connections to that port
 *	-p	passwords may come without TLS (something in front does that)
 *	-u UID:GID	who reads the client's bytes, if a checkpassword program is run
 *	words	the checkpassword program, and what it runs */
void login_start(struct login *l, const char *usage, const struct jail_profile *jail,
		 int argc, char **argv);

/* A line, without its end, and a NUL behind it: 1; 0 the client is gone; or -1, and
 * nothing may be read after it: ETIMEDOUT; EMSGSIZE, size - 1 bytes without a line's end;
 * EILSEQ, a control byte. */
int login_line(struct login *l, char *buf, size_t size, size_t *n);

/* Exactly n bytes, those of a literal; 1, 0 or -1 as above. */
int login_bytes(struct login *l, char *buf, size_t n);

/* One line, one write; CR LF is added. */
__attribute__((format(printf, 2, 3))) void login_say(struct login *l, const char *fmt,
						     ...);

/* The client breaks the rules: a line in the log. */
void login_refuse(struct login *l, const char *why);

/* The reply that tells the client to begin TLS is go. -1: not now, nothing has happened;
 * 0: TLS is on, or the session is over. What the client said before is the program's to
 * forget. */
int login_starttls(struct login *l, const char *go);

/* The exchange of a mechanism, each challenge "+ BASE64" (RFC 5034 4, RFC 9051 6.2.2).
 * initial: what came with the command, or NULL. */
enum login_sasl {
	SAID_ALL,
	SAID_NO_MECHANISM,
	SAID_CANCELLED,
	SAID_GARBLED,
	SAID_NOBODY
};
enum login_sasl login_sasl(struct login *l, const char *mechanism, const char *initial,
			   struct sasl *who);

/* Is it right? AUTH_YES: the session has another process, or had one; over is set, and
 * not one byte may be written. */
enum auth_answer login_ask(struct login *l, const struct sasl *who, const char *word,
			   char out[LIMIT_TEXT + 1]);

/* Last call: 0. */
int login_end(struct login *l);

/* ---- between the units of login/ ---- */

int login_tls_at_once(struct login *l);

/* Forks: this returns in the process that reads the client, with a socket; the other one
 * runs argv for each request (authask.h) that comes there. */
int login_fork_checker(char **argv);

#endif
