/* Any bytes as a subject: UTF-8 comes out, behind what was there. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/subject.h"
#include "sbuf.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbuf b = SBUF_INIT(1 << 24);
	int is_reply;

	check(sbuf_cats(&b, "x") == 0);
	check(subject_base(&b, (const char *)data, size, &is_reply) == 0);
	check(b.p[0] == 'x' && utf8_is_valid(b.p, b.len));
	sbuf_free(&b);
	return 0;
}
