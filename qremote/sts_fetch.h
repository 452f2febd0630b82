/* sts_fetch: the half of qsts that speaks with the network, and what its processes
 * report.
 *
 * The keeper passes, over a SOCK_SEQPACKET pair, a domain, the id that it knows ("" to
 * fetch in any case) and one end of a pair of its own for the answer. A process is forked
 * for each: it looks at the TXT record, fetches the policy if that is new, reports once
 * and ends. It never sees a file of ours.
 *
 *	request = domain NUL id NUL			+ where to report
 *	report  = "0"					no record
 *	        / "="					the record has this id
 *	        / "P" text of sts_record.h
 *	        / "F" text NUL				it failed: one clean line
 */
#ifndef QREMOTE_STS_FETCH_H
#define QREMOTE_STS_FETCH_H

#include <stdint.h>

#include "qlimits.h"
#include "sts_record.h"

enum { STS_FETCH_MS = 60000 }; /* RFC 8461 3.3 */
enum { LIMIT_STSREPORT = LIMIT_STSRECORD + 1 };
enum { LIMIT_STSREQUEST = LIMIT_STSDOMAIN + LIMIT_STSID + 2 };

struct dns;

/* Serve until the pair's other end is closed. */
_Noreturn void sts_fetcher(int pair, struct dns *d, unsigned port);

struct sts_report {
	char letter;
	char text[LIMIT_TEXT + 1];
	struct sts_record record;
};

/* Look, and fetch: fills *p. */
void sts_fetch(struct dns *d, unsigned port, const char *domain, const char *id,
	       int64_t deadline, struct sts_report *p);

/* The frames. */
struct sbuf;
__attribute__((warn_unused_result)) int sts_report_put(struct sbuf *b,
						       const struct sts_report *p);
int sts_report_get(struct sts_report *p, const char *frame, size_t n);
int sts_request_get(const char *frame, size_t n, const char **domain, const char **id);

#endif
