/* Frames between qsend, qlspawn and qlocal: what is read must come out the same when it
 * is written again. First byte: 0 a job, 1 a report, else qlocal's frame. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "localjob.h"
#include "sbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static void same(const struct sbuf *b, const char *p, size_t n)
{
	check(b->len == n && memcmp(b->p, p, n) == 0);
}

static void job(const char *p, size_t n)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);
	struct job j;

	if (job_get(&j, p, n) == 0 && n <= LIMIT_FRAME) {
		check(job_put(&b, &j) == 0);
		same(&b, p, n);
	}
	sbuf_free(&b);
}

static void report(const char *p, size_t n)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);
	struct report r;
	struct report again;

	/* texts are cleaned on the way out */
	if (report_get(&r, p, n) == 0) {
		check(report_put(&b, &r) == 0);
		check(report_get(&again, b.p, b.len) == 0);
		check(again.slot == r.slot && again.count == r.count);
		check(memcmp(again.letter, r.letter, r.count) == 0);
	}
	sbuf_free(&b);
}

static void local(const char *p, size_t n)
{
	struct sbuf b = SBUF_INIT(LIMIT_LOCALFRAME);
	struct localjob l;
	size_t head;

	if (localjob_get(&l, p, n) == 0 && n <= LIMIT_FRAME) {
		head = strlen(l.dash) + strlen(l.ext) + strlen(l.alias) + 3;
		check(strlen(l.dash) <= LIMIT_DASH && strlen(l.ext) <= LIMIT_ADDRESS);
		check(localjob_put(&b, l.dash, l.ext, l.alias, p + head, n - head) == 0);
		same(&b, p, n);
	}
	sbuf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data + 1;

	if (size < 1)
		return 0;
	if (data[0] == 0)
		job(p, size - 1);
	else if (data[0] == 1)
		report(p, size - 1);
	else
		local(p, size - 1);
	return 0;
}
