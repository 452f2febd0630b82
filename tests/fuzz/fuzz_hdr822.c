/* hdr822 and alist822: any bytes are a header; each body is tried as an address list. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alist822.h"
#include "hdr822.h"
#include "sbuf.h"

static void require(int truth)
{
	if (!truth)
		abort();
}

static void try_list(const char *p, size_t n)
{
	struct alist822 l;
	struct mailbox822 m;
	size_t last = 0;

	alist822_init(&l, p, n);
	while (alist822_next(&l, &m) == 1) {
		struct sbuf out = SBUF_INIT(n + 1);

		/* In order, apart from each other, inside the field. */
		require(m.name <= m.name_end && m.name_end <= m.end);
		require(last <= m.start && m.start <= m.local_end &&
			m.local_end <= m.end);
		require(m.end <= n && (m.domain == 0 || m.domain > m.local_end));
		require(mailbox822_address(p, &m, &out) == 0);
		require(out.len <= m.end - m.start);
		last = m.end;
		sbuf_free(&out);
	}
	require(l.at <= n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct hdr822 h;
	size_t at = 0;

	try_list(p, size);
	if (hdr822_parse(&h, p, size) == -1)
		return 0;
	for (size_t i = 0; i < h.n; i++) {
		const struct hdr822_field *f = &h.field[i];

		require(f->start == at && f->name_len > 0 && f->end > f->start);
		require(f->start + f->name_len < f->body && f->body <= f->end);
		try_list(p + f->body, f->end - f->body);
		at = f->end;
	}
	require(h.len == at && at <= size);
	hdr822_free(&h);
	return 0;
}
