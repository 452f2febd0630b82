/* fail: why a message was not accepted. The functions of this folder record a reason
 * and return -1; each program's main turns the kind into its interface's exit code
 * by a table, so that the same fault has the right number for sendmail, qinject and
 * qmail-queue.
 */
#ifndef QUOIN_FAIL_H
#define QUOIN_FAIL_H

enum fail_kind {
	FAIL_NONE,
	FAIL_USAGE,     /* the arguments or the environment */
	FAIL_DATA,      /* the message */
	FAIL_ENVELOPE,  /* the envelope of qmail-queue */
	FAIL_ADDRESS,   /* a recipient that is no address */
	FAIL_LONG,      /* an address that is too long */
	FAIL_REFUSED,   /* qqueue says never */
	FAIL_READ,      /* standard input */
	FAIL_SPOOL,     /* the temporary file */
	FAIL_MEMORY,    /* no memory */
	FAIL_CONFIG,    /* a control file */
	FAIL_LATER,     /* qqueue says not now */
	FAIL_SHUT,      /* nobody serves */
	FAIL_TIMEOUT,   /* qqueue does not answer */
	FAIL_LOST,      /* the connection broke */
	FAIL_CANTCREAT, /* ~/dead.letter */
	FAIL_KINDS
};

/* Records; always -1. The _sys form adds ": strerror(errno)", and ENOMEM makes the
 * kind FAIL_MEMORY. */
__attribute__((format(printf, 2, 3))) int fail(enum fail_kind kind, const char *fmt, ...);
int fail_sys(enum fail_kind kind, const char *what);

/* A buffer (sbuf.h) did not take more: out of memory, or else its limit is reached, which
 * is of this kind and has this text. */
int fail_full(enum fail_kind kind, const char *text);

/* Give the last record another kind. -1. */
int fail_as(enum fail_kind kind);

/* What was recorded last. */
enum fail_kind fail_last(void);
const char *fail_text(void);

#endif
