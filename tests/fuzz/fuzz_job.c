/* Job and report frames. First byte: even a job, odd a report. What is read is written
 * again as the same frame (a report's texts are cleaned then). */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "job.h"
#include "sbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void job(const char *p, size_t n, struct sbuf *again)
{
	struct job j;

	if (job_get(&j, p, n) == -1)
		return;
	if (job_put(again, &j) == -1 || again->len != n || memcmp(again->p, p, n) != 0)
		abort();
}

static void report(const char *p, size_t n, struct sbuf *again)
{
	struct report r;

	if (report_get(&r, p, n) == -1)
		return;
	if (report_put(again, &r) == -1 || again->len > n ||
	    report_get(&r, again->p, again->len) == -1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbuf again = SBUF_INIT(LIMIT_FRAME);
	char *p;

	if (size < 1 || size > LIMIT_FRAME)
		return 0;
	p = malloc(size > 1 ? size - 1 : 1);
	if (p == NULL)
		abort();
	memcpy(p, data + 1, size - 1);
	if (data[0] & 1)
		report(p, size - 1, &again);
	else
		job(p, size - 1, &again);
	free(p);
	sbuf_free(&again);
	return 0;
}
