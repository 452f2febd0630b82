/* A needle, a line end, a message: what is found in a body is found in the whole too and the
 * empty needle everywhere. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mime/textsearch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct text_search *search;
static int fd = -1;

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *lf = memchr(p, '\n', size);
	struct needle n, empty;
	struct text_key k[3] = {{&n, 1, 0}, {&n, 0, 0}, {&empty, 1, 0}};
	size_t len;

	if (lf == NULL || lf - p > 64)
		return 0;
	if (search == NULL) {
		search = text_init();
		fd = memfd_create("message", 0);
	}
	check(search != NULL && fd != -1);
	len = size - (size_t)(lf + 1 - p);
	check(ftruncate(fd, 0) == 0 && pwrite(fd, lf + 1, len, 0) == (ssize_t)len);
	check(needle_init(&n, p, (size_t)(lf - p)) == 0 &&
	      needle_init(&empty, "", 0) == 0);
	check(text_search(search, fd, k, 3) == 0);
	check(k[2].hit && (!k[0].hit || k[1].hit));
	check(text_in_header(search, &n, "subject", lf + 1, len) != -1);
	needle_free(&n);
	return 0;
}
