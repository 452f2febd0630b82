/* Any bytes as a frame of the keeper's door, a request or an answer: what is read,
 * written again, is the same bytes. Likewise qbounce's frames and reports of jobs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qsend/bounce.h"
#include "job.h"
#include "keeper.h"
#include "sbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct sbuf *b, const char *p, size_t n)
{
	if (b->len != n || memcmp(b->p, p, n) != 0)
		abort();
}

static void ok(int r)
{
	if (r == -1)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct report report;
	struct sbuf b = SBUF_INIT(1 << 20);
	const char *p = (const char *)data;
	struct keeper_request r;
	struct keeper_frame f;
	struct bounce_frame bounce;

	if (keeper_get_request(&r, p, size) == 0) {
		ok(keeper_put_request(&b, &r));
		same(&b, p, size);
	}
	if (keeper_get(&f, p, size) == 0) {
		ok(keeper_put(&b, &f));
		same(&b, p, size);
	}
	if (bounce_get(p, size, &bounce) == 0) {
		ok(bounce_put(&b, &bounce));
		same(&b, p, size);
	}
	if (report_get(&report, p, size) == 0) /* texts are escaped when written */
		ok(report_put(&b, &report));
	sbuf_free(&b);
	return 0;
}
