/* template: a program that a listener starts once, jailed and ready, and that forks a
 * session for each connection; both halves.
 *
 * One SOCK_SEQPACKET pair. The program's half is a descriptor that its arguments name.
 *
 *	connection = 1*(NAME "=" VALUE NUL)	+ the connection
 *	answer     = letter:u8 number:u32
 *
 *	P pid	a session runs, and says so itself
 *	A	not taken; start me anew, and ask again
 *	D	the client was told; no session runs
 *	E errno	no session could be started
 *
 * One connection at a time; the template ends at the end of file. A session is the
 * listener's child, not the template's (CLONE_PARENT), so the listener hears how it ends;
 * and since it is the session that answers, an end of file instead of an answer means
 * that nobody speaks to the client: the listener may ask another template.
 * A session has its template's layout of memory. So a listener starts a new template
 * before the next connection when a session was ended by a signal, and now and then.
 * Trusts: the two halves trust each other; neither has read a byte of a connection.
 */
#ifndef QUOIN_TEMPLATE_H
#define QUOIN_TEMPLATE_H

#include <stddef.h>
#include <sys/types.h>

enum {
	TEMPLATE_ENV = 16384, /* bytes of a connection's environment */
	TEMPLATE_VARS = 256,  /* with the template's own */
	TEMPLATE_FD = 3,      /* where a program finds its half */
	TEMPLATE_ANSWER_MS = 10000
};

/* ---- the program's half; channel is its end ---- */

/* The next connection's descriptor; -1: the listener has gone. */
int template_next(int channel);

/* Answer A or D for it. */
void template_refuse(int channel, char letter);

/* Fork. In the session 1: it has answered, channel is closed, and environ has the
 * connection's words in front. In the template 0: fd is closed. */
int template_fork(int channel, int fd);

/* ---- the listener's half ---- */

enum template_said {
	TEMPLATE_RUNS,
	TEMPLATE_ANEW,
	TEMPLATE_DONE,
	TEMPLATE_FAILED,
	TEMPLATE_LOST
};

/* Hand fd (which stays the caller's) with n bytes of words over, and wait for the answer.
 * RUNS: *pid; FAILED: errno; LOST: an end of file, or no answer in time (ETIMEDOUT: the
 * template must be killed, and may have answered before: template_heard()). */
enum template_said template_ask(int channel, int fd, const char *words, size_t n,
				pid_t *pid);

/* What a template that is killed has said. */
enum template_said template_heard(int channel, pid_t *pid);

#endif
