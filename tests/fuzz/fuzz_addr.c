/* Any bytes as a path; what is kept must survive quoting and reading again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char kept[LIMIT_ADDRESS + 1];
	char again[LIMIT_ADDRESS + 1];
	char quoted[2 * LIMIT_ADDRESS];
	size_t used;
	int routed;

	if (addr_parse_path((const char *)data, size, kept, &used, &routed) == -1)
		return 0;
	check(used <= size && data[used - 1] == '>');
	check(memchr(data, '\0', used) == NULL);
	check(addr_quote(kept, quoted, sizeof quoted) == 0);
	if (kept[0] == '\0')
		return 0;
	check(addr_parse(quoted, again) == 0);
	check(strcmp(kept, again) == 0);
	return 0;
}
