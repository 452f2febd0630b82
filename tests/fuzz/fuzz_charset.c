/* The name of a charset, NUL, then bytes: in pieces of any size the same UTF-8 comes out,
 * and it is UTF-8. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mime/charset.h"
#include "mime/charset_int.h"
#include "sbuf.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static int convert(const char *name, size_t len, const char *p, size_t n, size_t piece,
		   struct sbuf *out)
{
	struct charset c;

	/* the converter is the libc's, in a process of its own */
	if (!charset_open(&c, name, len) || c.kind == CHARSET_CONVERT)
		return 0;
	for (size_t i = 0; i < n; i += piece)
		check(charset_add(&c, out, p + i, n - i < piece ? n - i : piece) == 0);
	check(charset_end(&c, out) == 0);
	check(utf8_is_valid(out->p, out->len));
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *nul = memchr(p, '\0', size);
	struct sbuf whole = SBUF_INIT(1 << 20), pieces = SBUF_INIT(1 << 20);
	size_t n = nul == NULL ? 0 : size - (size_t)(nul + 1 - p);

	if (nul != NULL && n > 0 &&
	    convert(p, (size_t)(nul - p), nul + 1, n, n, &whole)) {
		check(convert(p, (size_t)(nul - p), nul + 1, n, 1 + n % 3, &pieces));
		check(whole.len == pieces.len &&
		      (whole.len == 0 || memcmp(whole.p, pieces.p, whole.len) == 0));
	}
	sbuf_free(&whole);
	sbuf_free(&pieces);
	return 0;
}
