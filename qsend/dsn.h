/* dsn: a delivery status notification: multipart/report (RFC 6522) of a readable
 * part, a message/delivery-status (RFC 3464) and the original or its header; or, for
 * failures alone, qmail's own format (QSBMF). LF line ends.
 *
 * All that comes from outside enters through escape_text(), save the original,
 * which is the last part and whose boundary nobody could guess: the caller puts it
 * between dsn_begin() and dsn_end().
 */
#ifndef QSEND_DSN_H
#define QSEND_DSN_H

#include <stddef.h>
#include <string.h>
#include <time.h>

enum dsn_action { DSN_FAILED, DSN_DELAYED, DSN_DELIVERED, DSN_RELAYED, DSN_EXPANDED };

struct dsn_rcpt {
	const char *address;
	const char *orcpt; /* as in qfile.h, or NULL */
	const char *text;
	enum dsn_action action;
	time_t attempt; /* the last one, or 0 */
};

struct dsn {
	const char *me;       /* Reporting-MTA */
	const char *from;     /* address of From */
	const char *to;       /* address of To */
	const char *id;       /* of this notification */
	const char *boundary; /* without quotes or blanks, at most 60 bytes */
	time_t now;
	const char *queue_id; /* of the original */
	const char *sender;   /* its envelope sender */
	const char *envid;    /* as in qfile.h, or NULL */
	time_t arrival;
	time_t until; /* tried until then: of a warning */
	const struct dsn_rcpt *rcpts;
	size_t nrcpts;
	/* The original, as it will be put. */
	int header_only;
	int is_cut; /* … because it is too large */
	int is_8bit;
	int qsbmf;
};

/* put() gets the notification in pieces and returns 0, or -1 to end it. */
typedef int dsn_put(void *arg, const char *p, size_t n);
__attribute__((warn_unused_result)) int dsn_begin(const struct dsn *d, dsn_put *put,
						  void *arg);
__attribute__((warn_unused_result)) int dsn_end(const struct dsn *d, dsn_put *put,
						void *arg);

/* Is there a recipient of that action? */
int dsn_has(const struct dsn *d, enum dsn_action action);

/* Where a notification of a message from sender goes. */
enum dsn_kind { DSN_SINGLE, DSN_DOUBLE, DSN_DISCARD };

static inline enum dsn_kind dsn_kind(const char *sender)
{
	if (*sender == '\0')
		return DSN_DOUBLE;
	return strcmp(sender, "#@[]") == 0 ? DSN_DISCARD : DSN_SINGLE;
}

#endif
