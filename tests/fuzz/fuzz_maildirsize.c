/* fuzz_maildirsize: the file of a quota, which users and other servers write. What we print
 * of it is read again as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "maildir/quota_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1);
	struct quota q;
	struct quota again;
	char text[128];
	int n;

	if (copy == NULL)
		return 0;
	if (size > 0)
		memcpy(copy, data, size);
	if (quota_parse(&q, copy, size) == 0) {
		n = quota_print(text, sizeof text, &q);
		if (n < 0 || (size_t)n >= sizeof text ||
		    quota_parse(&again, text, (size_t)n) == -1 ||
		    memcmp(&q, &again, sizeof q) != 0)
			abort();
	}
	(void)quota_allows(&q, size, 1);
	free(copy);
	return 0;
}
