/* replies: everything this server says, in one table (RFC 5321 4.2, RFC 3463).
 * X(name, code, enhanced code, text); an empty enhanced code is left out.
 */
#ifndef QSMTPD_REPLIES_H
#define QSMTPD_REPLIES_H

#define REPLIES(X)                                                                       \
	X(HELP, 214, "2.0.0", "HELO EHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT")       \
	X(TLS_GO, 220, "2.0.0", "go ahead")                                              \
	X(BYE, 221, "2.0.0", "bye")                                                      \
	X(AUTH_OK, 235, "2.7.0", "welcome")                                              \
	X(OK, 250, "2.0.0", "ok")                                                        \
	X(SENDER_OK, 250, "2.1.0", "sender ok")                                          \
	X(RCPT_OK, 250, "2.1.5", "recipient ok")                                         \
	X(QUEUED, 250, "2.0.0", "ok, queued as")                                         \
	X(NOT_VERIFIED, 252, "2.1.5", "not verified, send mail to find out")             \
	X(GO_AHEAD, 354, "", "end the message with a line that is a single dot")         \
	X(IDLE, 421, "4.4.2", "nothing came for too long, good bye")                     \
	X(TOO_SLOW, 421, "4.4.2", "the message comes too slowly, good bye")              \
	X(TOO_LONG_HERE, 421, "4.4.2", "this session is too old, please connect again")  \
	X(TOO_MANY_ERRORS, 421, "4.7.0", "too many errors, good bye")                    \
	X(TOO_MUCH_JUNK, 421, "4.7.0", "too many commands that do nothing, good bye")    \
	X(AUTH_CUT, 421, "4.7.0", "too many wrong passwords, good bye")                  \
	X(QUEUE_AWAY, 451, "4.3.0", "the queue cannot be reached, try again later")      \
	X(QUEUE_LATER, 451, "4.3.0", "the message was not queued, try again later:")     \
	X(QUEUE_LOST, 451, "4.3.0", "the queue did not answer, try again later")         \
	X(RCPT_LATER, 451, "4.3.0", "this recipient cannot be checked now, try again")   \
	X(SENDER_LATER, 451, "4.3.0", "this sender cannot be checked now, try again")    \
	X(FULL_LATER, 452, "4.2.2", "the mailbox is full, try again later")              \
	X(QUEUE_REFUSES, 452, "4.3.1", "no mail is taken at the moment:")                \
	X(NO_MEMORY, 452, "4.3.1", "out of memory, try again later")                     \
	X(TOO_MANY_RCPTS, 452, "4.5.3", "too many recipients, send the rest separately") \
	X(TLS_LATER, 454, "4.7.0", "TLS is not available now, try again later")          \
	X(AUTH_LATER, 454, "4.7.0", "passwords cannot be checked now, try again later")  \
	X(UNKNOWN, 500, "5.5.2", "unknown command")                                      \
	X(LINE_TOO_LONG, 500, "5.5.2", "the line is too long")                           \
	X(BAD_ARGUMENT, 501, "5.5.4", "the argument is missing or wrong")                \
	X(BAD_RCPT, 501, "5.1.3", "this is no recipient address")                        \
	X(BAD_SENDER, 501, "5.1.7", "this is no sender address")                         \
	X(BAD_BASE64, 501, "5.5.2", "this is not base64, or not what it should hold")    \
	X(AUTH_CANCELLED, 501, "5.7.0", "the login is cancelled")                        \
	X(NOT_OFFERED, 502, "5.5.1", "this command is not offered")                      \
	X(HELO_FIRST, 503, "5.5.1", "HELO or EHLO first")                                \
	X(MAIL_FIRST, 503, "5.5.1", "MAIL first")                                        \
	X(ONE_MAIL, 503, "5.5.1", "the sender was given already")                        \
	X(TLS_TWICE, 503, "5.5.1", "TLS is on already")                                  \
	X(AUTH_TWICE, 503, "5.5.1", "you are logged in already")                         \
	X(AUTH_IN_MAIL, 503, "5.5.1", "not before the end of this message")              \
	X(TOO_EARLY, 503, "5.5.0", "wait for the reply to this command")                 \
	X(NO_MECHANISM, 504, "5.5.4", "this mechanism is not offered")                   \
	X(BAD_LINE, 521, "5.5.2", "lines end with CR LF; no other CR or LF, no NUL")     \
	X(NOT_SMTP, 521, "5.5.2", "this server speaks SMTP")                             \
	X(TLS_FIRST, 530, "5.7.0", "STARTTLS and AUTH first")                            \
	X(AUTH_FIRST, 530, "5.7.0", "AUTH first")                                        \
	X(AUTH_FAILED, 535, "5.7.8", "the user name or the password is wrong")           \
	X(AUTH_NEEDS_TLS, 538, "5.7.11", "passwords are taken under TLS only: STARTTLS") \
	X(NO_SUCH_USER, 550, "5.1.1", "there is no such user here")                      \
	X(NO_SUCH_ALIAS, 550, "5.1.1", "there is no such alias here")                    \
	X(NO_RELAY, 550, "5.7.1", "this host does not relay for you")                    \
	X(PROBE, 550, "5.7.1", "recipients of this form are refused")                    \
	X(FULL, 552, "5.2.2", "the mailbox is full")                                     \
	X(TOO_BIG, 552, "5.3.4", "the message is larger than this host takes")           \
	X(HEADER_TOO_BIG, 552, "5.3.4", "the header is larger than this host takes")     \
	X(EIGHT_BIT, 553, "5.6.7", "addresses beyond ASCII are not supported")           \
	X(SENDER_REFUSED, 553, "5.7.1", "mail of this sender is refused")                \
	X(NOT_YOURS, 553, "5.7.1", "this sender address is not yours")                   \
	X(EARLY_TALKER, 554, "5.5.0", "wait for the greeting")                           \
	X(NO_RCPT, 554, "5.5.1", "no valid recipients")                                  \
	X(LOOP, 554, "5.4.6", "too many hops, this message is looping")                  \
	X(NUL_IN_MESSAGE, 554, "5.6.0", "the message holds a NUL byte")                  \
	X(QUEUE_NEVER, 554, "5.6.0", "the message was refused:")                         \
	X(BAD_PARAMETER, 555, "5.5.4", "unknown parameter")

enum reply {
#define X(name, code, enhanced, text) SAY_##name,
	REPLIES(X)
#undef X
};

struct session;

/* Say it. Codes from 400 count as the client's errors, but what ends the session and
 * the first 10,000 times 452: lists are cut by it. */
void reply(struct session *s, enum reply r);

/* With a text behind it (a queue id, a reason): printable bytes, at most LIMIT_TEXT. */
void reply_with(struct session *s, enum reply r, const char *more);

/* Say it and end the session. */
void reply_last(struct session *s, enum reply r);

#endif
