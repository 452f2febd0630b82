/* Frames between qrspawn and qremote. First byte: even a job, odd a report. What is read
 * is written again as the same bytes in front. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "remotejob.h"
#include "sbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void job(const char *p, size_t n, struct sbuf *again)
{
	struct remotejob_dead dead;
	struct job j;
	size_t head;

	if (remotejob_get(&j, &dead, p, n) == -1)
		return;
	head = 2 + dead.count * REMOTEJOB_ADDR;
	if (dead.count > 0 &&
	    !remotejob_is_dead(&dead, (const uint8_t *)dead.addrs +
					  (dead.count - 1) * REMOTEJOB_ADDR))
		abort();
	if (n - head <= LIMIT_FRAME &&
	    (remotejob_put(again, &dead, p + head, n - head) == -1 || again->len != n ||
	     memcmp(again->p, p, n) != 0))
		abort();
}

static void report(const char *p, size_t n, struct sbuf *again)
{
	struct remotejob_tried tried;
	struct report r;
	const char *q = p;
	size_t left = n;

	if (remotejob_report_get(&tried, &q, &left) == -1 ||
	    report_get(&r, q, left) == -1)
		return;
	if (remotejob_report_put(again, &tried, &r) == -1 || again->len > n ||
	    memcmp(again->p, p, n - left) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbuf again = SBUF_INIT(LIMIT_REMOTEFRAME);
	char *p;

	if (size < 1 || size > LIMIT_REMOTEFRAME)
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
