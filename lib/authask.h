/* authask: asks qauth whether a password is right; the caller's side.
 *
 * SOCK_SEQPACKET over run/DOOR/sock. The door says what may be asked: qauth-smtp (group
 * quoind) judges only; qauth-login (group quoini) judges and, if the answer is yes,
 * starts the service's server as the user on the session's descriptor. One request a
 * connection.
 *
 *	request = service NUL client NUL user NUL password NUL word NUL  [+ the session]
 *	answer  = "+" account NUL / "-" text NUL / "C" text NUL / "Z" text NUL
 *
 * service: smtp, pop3, imap; small letters and digits. client: the address, as text.
 * user, password: any bytes but NUL. word: handed to the server as its last argument
 * (IMAP's tag); "" for smtp. account: the name under which the login counts, lower
 * case. "-" wrong (the same text and time for a name that does not exist), "C" wrong,
 * and cut the connection, "Z" try later. The answer may take long on purpose (a delay
 * for who failed often); a caller that leaves takes its request back. The login door
 * needs the session; at the other there must be none.
 *
 * Owner:  nothing is kept; the frame that held the password is wiped.
 * Errors: AUTH_LATER with errno set and a text of its own when qauth is away. A name or
 *         password that is empty, or that no frame can hold, is AUTH_NO.
 */
#ifndef QUOIN_AUTHASK_H
#define QUOIN_AUTHASK_H

#include <stddef.h>
#include <stdint.h>

#include "qlimits.h"

enum {
	LIMIT_SERVICE = 16,
	LIMIT_AUTHCLIENT = 64,
	LIMIT_LOGIN = 255,
	LIMIT_PASSWORD = 1024,
	LIMIT_AUTHWORD = 256,
	LIMIT_AUTHFRAME = 2048
};

struct auth_want {
	const char *service;
	const char *client; /* at most LIMIT_AUTHCLIENT */
	const char *user;
	const char *password;
	const char *word; /* NULL is "" */
	int session;      /* a descriptor, or -1 */
};

/* The text of "-" and "C". */
#define AUTH_WRONG "The name or the password is wrong."

enum auth_answer { AUTH_YES, AUTH_NO, AUTH_CUT, AUTH_LATER };

/* out: the account, or the text. */
enum auth_answer authask(const char *door, const struct auth_want *w,
			 char out[LIMIT_TEXT + 1], int64_t deadline);

/* The same on a socket of the caller's, which may be asked again. */
enum auth_answer authask_on(int fd, const struct auth_want *w, char out[LIMIT_TEXT + 1],
			    int64_t deadline);

/* The request, for qauth and the fuzz target: -1 with EBADMSG or EMSGSIZE. Pointers point
 * into the frame. */
int authask_put(char frame[LIMIT_AUTHFRAME], size_t *n, const struct auth_want *w);
int authask_get(struct auth_want *w, const char *p, size_t n);

#endif
