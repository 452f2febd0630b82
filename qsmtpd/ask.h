/* ask: the two services behind qsmtpd, reached when they are needed first, and again
 * when the connection was lost between two messages.
 */
#ifndef QSMTPD_ASK_H
#define QSMTPD_ASK_H

struct session;

/* Have an id for the next message: 0, or -1 when the client was told why not. */
int ask_queue(struct session *s);

/* The id that there was is void: have another, quietly. 0, or -1 with errno. */
int ask_queue_again(struct session *s);

/* Drop the connection: what was sent so far is forgotten by qqueue. */
void ask_queue_close(struct session *s);

/* Does the recipient exist, and has it room? */
enum ask_rcpt { ASK_YES, ASK_NO, ASK_LATER, ASK_FULL, ASK_FULL_LATER };
enum ask_rcpt ask_rcpt(struct session *s, const char *rcpt);

#endif
