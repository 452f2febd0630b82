/* Any bytes as what DNS, a web server, a file of qsts, its other half or a peer on its
 * socket says. What was read of a record or frame, written again, is the same bytes. The
 * first byte says which. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qremote/sts_fetch.h"
#include "../../qremote/sts_http.h"
#include "../../qremote/sts_text.h"
#include "sbuf.h"
#include "stsask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int ok)
{
	if (!ok)
		abort();
}

static char *copy(const char *p, size_t n)
{
	char *c = malloc(n > 0 ? n : 1);

	must(c != NULL);
	memcpy(c, p, n);
	return c;
}

static void txt(const char *p, size_t n)
{
	char id[LIMIT_STSID + 1];
	const char *why;

	if (sts_text_txt(p, n, id, &why) == 1)
		must(sts_is_id(id, strlen(id)));
}

static void record(const char *p, size_t n)
{
	static struct sts_record r;
	struct sbuf b = SBUF_INIT(LIMIT_STSRECORD);

	if (sts_record_get(&r, p, n) == 0) {
		/* numbers with zeros in front, hosts in capitals come back otherwise */
		must(sts_record_put(&b, &r) == 0);
		must(sts_record_get(&r, b.p, b.len) == 0);
	}
	sbuf_free(&b);
}

/* A policy that was understood can be kept. */
static void policy(const char *p, size_t n)
{
	static struct sts_record r;
	struct sbuf b = SBUF_INIT(LIMIT_STSRECORD);
	const char *why;

	memcpy(r.id, "1", 2);
	r.fetched = 1;
	if (sts_text_policy(p, n, &r, &why) == 0) {
		must(r.max_age <= STS_MAXAGE);
		must(sts_record_put(&b, &r) == 0);
		record(b.p, b.len);
	}
	sbuf_free(&b);
}

static void http(const char *p, size_t n)
{
	char *buf = copy(p, n);
	const char *why;
	char *body;
	size_t len;

	if (sts_http(buf, n, &body, &len, &why) == 1) {
		must(body >= buf && body + len <= buf + n && len <= LIMIT_HTTPBODY);
		policy(body, len);
	}
	free(buf);
}

static void report(const char *p, size_t n)
{
	static struct sts_report r;
	struct sbuf b = SBUF_INIT(LIMIT_STSREPORT);

	if (sts_report_get(&r, p, n) == 0)
		must(sts_report_put(&b, &r) == 0);
	sbuf_free(&b);
}

static void request(const char *p, size_t n)
{
	const char *domain;
	const char *id;

	if (sts_request_get(p, n, &domain, &id) == 0)
		must(sts_is_domain(domain));
}

static void answer(const char *p, size_t n)
{
	struct sts_policy *a = malloc(sizeof *a);
	char frame[LIMIT_STSFRAME];
	size_t len;

	must(a != NULL);
	if (n > sizeof a->frame)
		n = sizeof a->frame;
	memcpy(a->frame, p, n);
	if (sts_answer_get(a, n) == 0) {
		must(sts_answer_put(frame, &len, a) == 0);
		must(len == n && memcmp(frame, p, n) == 0);
		(void)sts_has_mx(a, "mail.example");
	}
	free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const readers[])(const char *p, size_t n) = {
	    txt, policy, http, record, report, request, answer};
	char *p;

	if (size == 0)
		return 0;
	p = copy((const char *)data + 1, size - 1);
	readers[(data[0] - '0') % 7U](p, size - 1);
	free(p);
	return 0;
}
