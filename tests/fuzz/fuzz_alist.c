/* alist822_item: groups, names and routes; what it says fits what alist822_next() says, and the lists that
 * ENVELOPE makes of it are well formed. (fuzz_hdr822 has the addresses.) */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "alist822.h"
#include "imap_text.h"
#include "mime/digest.h"
#include "sbuf.h"

static void require(int truth)
{
	if (!truth)
		abort();
}

static void check_places(const struct mailbox822 *m, const char *p, size_t n)
{
	require(m->name <= m->name_end && m->name_end <= n);
	require(m->comment <= m->comment_end && m->comment_end <= n);
	require(m->comment == m->comment_end ||
		(p[m->comment] == '(' && p[m->comment_end - 1] == ')'));
	require(m->route <= m->route_end && m->route_end <= m->start);
	require(m->route == m->route_end || p[m->route] == '@');
	require(m->start <= m->local_end && m->local_end <= m->end && m->end <= n);
}

static void check_events(const char *p, size_t n)
{
	struct alist822 l, plain;
	struct mailbox822 m, other;
	int in_group = 0, r;

	alist822_init(&l, p, n);
	alist822_init(&plain, p, n);
	while ((r = alist822_item(&l, &m)) > 0) {
		if (r == ALIST822_MAILBOX) {
			check_places(&m, p, n);
			require(alist822_next(&plain, &other) == 1 &&
				memcmp(&m, &other, sizeof m) == 0);
			continue;
		}
		require(in_group == (r == ALIST822_GROUP_END));
		in_group = !in_group;
		require(!in_group || (m.name < m.name_end && m.name_end < l.at &&
				      p[m.name_end - 1] != ':'));
	}
	require(l.at <= n);
	require(r == -1 || (l.at == n && !in_group));
	require(alist822_next(&plain, &other) == r);
}

static void check_envelope(const char *p, size_t n)
{
	static struct mime m;
	struct sbuf out = SBUF_INIT(SIZE_MAX / 2);
	const char *q;
	size_t len;

	if (m.state == NULL)
		mime_init(&m);
	require(mime_begin(&m) == 0 && mime_feed(&m, "From:", 5) == 0);
	for (size_t i = 0; i < n; i++) /* whatever it is, it is folded */
		require(mime_feed(&m, p + i, 1) == 0 &&
			(p[i] != '\n' || mime_feed(&m, " ", 1) == 0));
	require(mime_end(&m) == 0 && digest_make(&out, &m) == 0);
	require(digest_get(out.p, out.len, DIGEST_ENVELOPE, &q, &len));
	require(imap_list(q, len) == 10);
	sbuf_free(&out);
	sbuf_free(&m.header); /* the next one's is read with nothing old behind it */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_events((const char *)data, size);
	check_envelope((const char *)data, size);
	return 0;
}
