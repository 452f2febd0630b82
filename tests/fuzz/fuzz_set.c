/* Any bytes as a sequence set: what was read is sorted, has gaps, and is read again from its own text. */
#include <stdlib.h>

#include "../../qimapd/session.h"
#include "../../qimapd/set.h"
#include "sbuf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t last = size > 0 ? data[0] : 0;
	struct words w = {(const char *)data, size, size > 0, 0};
	struct sbuf text = SBUF_INIT(1 << 24);
	struct set s = {0}, again = {0};

	if (set_read(&s, &w, last) == 0 && !s.is_saved) {
		check(s.n > 0 && s.r[0].lo > 0);
		for (size_t k = 0; k < s.n; k++) {
			check(s.r[k].lo <= s.r[k].hi);
			check(k == 0 || s.r[k].lo > s.r[k - 1].hi + 1);
			check(set_has(&s, s.r[k].lo) && set_has(&s, s.r[k].hi));
			check(!set_has(&s, s.r[k].lo - 1)); /* 0 is none */
			check(s.r[k].hi == UINT32_MAX || !set_has(&s, s.r[k].hi + 1));
		}
		check(set_cat(&text, &s) == 0);
		w = (struct words){text.p, text.len, 0, 0};
		check(set_read(&again, &w, last) == 0 && words_end(&w));
		check(again.n == s.n);
	}
	set_free(&s);
	set_free(&again);
	sbuf_free(&text);
	return 0;
}
