/* dsn: a delivery status notification: multipart/report (RFC 3462) of a readable
 * part, a message/delivery-status (RFC 3464) and the original, cut. LF line ends.
 *
 * All that comes from outside enters through escape_text(), save the original,
 * which is the last part and whose boundary nobody could guess.
 */
#ifndef QSEND_DSN_H
#define QSEND_DSN_H

#include <stddef.h>
#include <time.h>

enum { DSN_COPY = 50000 }; /* bytes of the original that are returned */

struct dsn_failure {
	const char *address;
	const char *text;
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
	time_t arrival;
	const struct dsn_failure *failures;
	size_t nfailures;
	const char *copy; /* its beginning, at most DSN_COPY bytes */
	size_t ncopy;
	int is_cut;
};

/* put() gets the notification in pieces and returns 0, or -1 to end it. */
typedef int dsn_put(void *arg, const char *p, size_t n);
__attribute__((warn_unused_result)) int dsn_write(const struct dsn *d, dsn_put *put,
						  void *arg);

/* Where a notification of a message from sender goes. */
enum dsn_kind { DSN_SINGLE, DSN_DOUBLE, DSN_DISCARD };
enum dsn_kind dsn_kind(const char *sender);

#endif
