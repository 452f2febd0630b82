/* in: one command as a whole, with its literals (RFC 9051 4.3, RFC 7888 LITERAL-).
 *
 * A literal that is waited for is invited ("+ OK") only if its command may have it; one that is on its
 * way and is refused is read past with the rest of its command, or ends the session: its
 * bytes are never run as a command. The messages of APPEND are not gathered: the command comes with its
 * words up to there (IN_MESSAGE), and in_more() brings what stands behind a message.
 * Limits: below. Control bytes and NUL in a line are refused (literals may hold any).
 * Owner:  static storage; what is returned dies at the next call.
 */
#ifndef QIMAPD_IN_H
#define QIMAPD_IN_H

#include <stddef.h>
#include <stdint.h>

enum {
	IN_LINE = 65536,
	IN_COMMAND = 1048576, /* lines and literals together */
	IN_PLUS = 4096,       /* {N+}, RFC 7888 5 */
	IN_PAST = 16777216,   /* of a refused literal, to be read past */
	IN_IDLE = 1800000,    /* ms; RFC 9051 5.4 */
	IN_TAG = 64
};

enum in_what {
	IN_WHOLE,   /* p, n: the command */
	IN_MESSAGE, /* p, n: up to and with "{N}CRLF" */
	IN_WRONG,   /* refused: code and why say so; it was read to its end */
	IN_END,     /* the client has left */
	IN_LATE,    /* it was silent too long */
	IN_CUT      /* it cannot be read on: why says so, and the session must end */
};

struct in_literal {
	uint64_t n;
	int plus;   /* is on its way */
	int binary; /* literal8, "~{" */
};

struct in {
	const char *p;
	size_t n;
	char tag[IN_TAG + 1]; /* "*": it had none */
	struct in_literal literal;
	const char *code, *why;
	size_t literals; /* in.c's own, and below */
	int is_append;
};

enum in_what in_command(struct in *c);

/* Behind IN_MESSAGE: its bytes are invited now (unless they are on their way), and to be taken by
 * io_some(); then in_more(). */
void in_invite(const struct in *c);
enum in_what in_more(struct in *c);
/* Instead of both: the message is refused. IN_WRONG, or IN_END, IN_LATE, IN_CUT. */
enum in_what in_refuse(struct in *c);
/* The same when left bytes of it are still to come. */
enum in_what in_refuse_rest(struct in *c, uint64_t left);
int64_t
in_deadline(uint64_t n); /* by which n bytes must have come: 1 KB a second at least */

/* After a command, before a wait: a large one's memory goes. */
void in_rest(void);

#endif
