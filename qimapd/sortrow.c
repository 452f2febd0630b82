#include "sortrow.h"

#include <errno.h>
#include <string.h>

#include "mime/digest.h"
#include "sortkey.h"

/* The texts follow. */
struct head {
	int64_t sent;
	uint32_t n[SORTROW_TEXTS];
};

static const struct {
	enum sort_by by;
	enum digest_what field;
} texts[SORTROW_TEXTS] = {
    [SORTROW_CC] = {SORT_CC, DIGEST_CC},
    [SORTROW_FROM] = {SORT_FROM, DIGEST_FROM},
    [SORTROW_SUBJECT] = {SORT_SUBJECT, DIGEST_SUBJECT},
    [SORTROW_TO] = {SORT_TO, DIGEST_TO},
};

int sortrow_make(struct sbuf *row, const char *digest, size_t n)
{
	struct head h = {.sent = INT64_MIN};
	struct digest_numbers numbers;
	struct sort_text key;

	if (n > 0 && digest_numbers(digest, n, &numbers))
		h.sent = numbers.sent;
	sbuf_clear(row);
	if (sbuf_cat(row, &h, sizeof h) == -1)
		return -1;
	for (size_t t = 0; t < SORTROW_TEXTS; t++) {
		const char *p = "";
		size_t len = 0;

		if (n > 0 && !digest_get(digest, n, texts[t].field, &p, &len))
			len = 0;
		if (sortkey_text(row, texts[t].by, p, len, &key) == -1)
			return -1;
		if (key.n > UINT32_MAX) {
			errno = EMSGSIZE;
			return -1;
		}
		h.n[t] = (uint32_t)key.n;
	}
	memcpy(row->p, &h, sizeof h);
	return 0;
}

int sortrow_read(struct sortrow *keys, const char *p, size_t n)
{
	struct head h;

	if (n < sizeof h)
		return -1;
	memcpy(&h, p, sizeof h);
	p += sizeof h;
	n -= sizeof h;
	keys->sent = h.sent;
	for (size_t t = 0; t < SORTROW_TEXTS; t++) {
		if (h.n[t] > n)
			return -1;
		keys->text[t].p = p;
		keys->text[t].n = h.n[t];
		p += h.n[t];
		n -= h.n[t];
	}
	return n == 0 ? 0 : -1;
}
