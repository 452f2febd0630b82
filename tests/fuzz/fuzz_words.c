/* Any bytes as a field's body: UTF-8 comes out, and no more than the charsets allow. */
#include <stdint.h>
#include <stdlib.h>

#include "mime/words.h"
#include "sbuf.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbuf b = SBUF_INIT(1 << 24);

	if (words_decode(&b, (const char *)data, size) == -1 || b.len > 4 * size ||
	    !utf8_is_valid(b.p, b.len))
		abort();
	sbuf_free(&b);
	return 0;
}
