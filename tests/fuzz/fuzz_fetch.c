/* Any bytes as what FETCH asks for: labels are one line of printable ASCII that is ours to send. */
#include <stdlib.h>

#include "../../qimapd/fetch.h"
#include "exact_arena.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct words w = {(const char *)data, size, 0, 0};
	struct fetch f;

	if (fetch_read(&f, &w, size & 1) == 0) {
		check(f.n > 0 && f.n <= FETCH_ITEMS);
		for (size_t k = 0; k < f.n; k++) {
			const struct fetch_item *it = &f.item[k];

			check(it->put != NULL && it->nlabel > 1);
			check(it->label[it->nlabel - 1] == ' ');
			for (size_t i = 0; i < it->nlabel; i++)
				check(it->label[i] >= 0x20 && it->label[i] < 0x7f);
			check(it->part == NULL || it->part->levels <= SECTION_LEVELS);
			check(it->count > 0 || it->part == NULL);
		}
	}
	take_forget();
	return 0;
}
