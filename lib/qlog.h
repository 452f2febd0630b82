/* qlog: one event, one line, on standard error (logout.h).
 *
 *	qlog_begin(&l, "deliver");
 *	qlog_id(&l, id);
 *	qlog_str(&l, "host", name);
 *	qlog_num(&l, "ms", 412);
 *	qlog_end(&l);
 *
 * gives `qremote: deliver id=… host=mx.example ms=412`. Values are escaped
 * (escape_value), a value is cut at 500 bytes and the line at LIMIT_LOGLINE;
 * keys are ours, from qlog(5). Never secrets, never contents. No allocation.
 */
#ifndef QUOIN_QLOG_H
#define QUOIN_QLOG_H

#include <stddef.h>
#include <stdint.h>

#include "qlimits.h"

struct qlog {
	size_t len;
	char line[LIMIT_LOGLINE];
};

void qlog_begin(struct qlog *l, const char *event);
void qlog_id(struct qlog *l, const char *qid);
void qlog_str(struct qlog *l, const char *key, const char *value);
void qlog_bytes(struct qlog *l, const char *key, const char *p, size_t n);
void qlog_num(struct qlog *l, const char *key, uint64_t value);
void qlog_end(struct qlog *l);

#endif
