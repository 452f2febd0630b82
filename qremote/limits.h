/* limits: how long and how much qremote bears. Milliseconds unless a name says
 * otherwise; control/timeoutremote lowers every wait for a server, control/timeoutconnect
 * is that for a connection. */
#ifndef QREMOTE_LIMITS_H
#define QREMOTE_LIMITS_H

/* RFC 5321 4.5.3.2 */
#define WAIT_GREETING 300000
#define WAIT_MAIL     300000
#define WAIT_RCPT     300000
#define WAIT_DATA     120000
#define WAIT_BLOCK    180000
#define WAIT_DOT      600000
#define WAIT_HELO     300000
#define WAIT_AUTH     300000

/* The answer to STARTTLS, the handshake, and qtls before both. */
#define WAIT_STARTTLS  60000
#define WAIT_HANDSHAKE 60000
#define WAIT_TLSGATE   10000
#define WAIT_QTLS      5000 /* to be there at all */
#define PAUSE_QTLS     100

/* control/timeoutconnect and control/timeoutremote, seconds */
#define TIMEOUT_CONNECT 60
#define TIMEOUT_REMOTE  1200
#define TIMEOUT_MAX     86400

/* Everything until DATA, over all hosts; then a message may take this long and must
 * flow at this many bytes a second. */
#define ATTEMPT_TIME 1800000
#define DATA_TIME    600000
#define DATA_RATE    500

/* Addresses tried for one job. */
#define TRIES_MAX 20

/* A kept connection: messages, age. */
#define REUSE_MAX  100
#define REUSE_TIME 300000

/* qrspawn: children at once, how long one without a job is kept, and what a child
 * may take beyond the limits above before it is killed. */
#define CHILDREN_MAX 400
#define IDLE_TIME    2000
#define KILL_GRACE   120000

#endif
