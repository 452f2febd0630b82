#include "address.h"

#include <errno.h>
#include <string.h>

#include "addr.h"
#include "escape.h"
#include "fail.h"
#include "hosts.h"
#include "sbuf.h"

enum { ROOM = 4 * LIMIT_ADDRESS };

int is_one_line(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return 0;
	return 1;
}

static int bad(const char *p, size_t n)
{
	char text[LIMIT_TEXT + 1];

	escape_text(text, sizeof text, p, n);
	return fail(FAIL_ADDRESS, "not an address: %s", text);
}

static int too_long(void)
{
	return fail_full(FAIL_LONG, "an address is too long");
}

/* raw is a local part: add the domain (n == 0: none was given), and check in SMTP's
 * form by the one parser that decides what an address is. */
static int finish(struct sbuf *raw, const char *domain, size_t n,
		  char kept[LIMIT_ADDRESS + 1])
{
	char quoted[2 * LIMIT_ADDRESS];
	const char *s;

	if (sbuf_catc(raw, '@') == -1)
		return too_long();
	if (host_complete(raw, domain, n) == -1)
		return -1;
	s = sbuf_str(raw);
	if (s == NULL)
		return fail_sys(FAIL_MEMORY, "complete an address");
	if (strlen(s) != raw->len)
		return bad(raw->p, raw->len);
	if (addr_quote(s, quoted, sizeof quoted) == -1)
		return too_long();
	if (addr_parse(quoted, kept) == 0)
		return 0;
	return errno == EMSGSIZE ? too_long() : bad(raw->p, raw->len);
}

static int complete(const char *p, const struct mailbox822 *m, struct sbuf *raw,
		    struct sbuf *domain, char kept[LIMIT_ADDRESS + 1])
{
	struct mailbox822 part = {.start = m->start, .end = m->local_end};

	if (mailbox822_address(p, &part, raw) == -1)
		return too_long();
	part = (struct mailbox822){.start = m->domain, .end = m->end};
	if (m->domain > 0 && mailbox822_address(p, &part, domain) == -1)
		return too_long();
	return finish(raw, domain->p, domain->len, kept);
}

int address_of(const char *p, const struct mailbox822 *m, char kept[LIMIT_ADDRESS + 1])
{
	struct sbuf raw = SBUF_INIT(ROOM);
	struct sbuf domain = SBUF_INIT(ROOM);
	int r = 0;

	kept[0] = '\0';
	if (m->start < m->end)
		r = complete(p, m, &raw, &domain, kept);
	sbuf_free(&raw);
	sbuf_free(&domain);
	return r;
}

int address_single(const char *s, char kept[LIMIT_ADDRESS + 1])
{
	struct alist822 l;
	struct mailbox822 m;
	struct mailbox822 more;

	kept[0] = '\0';
	if (!is_one_line(s))
		return fail(FAIL_ADDRESS, "an address contains a control character");
	alist822_init(&l, s, strlen(s));
	switch (alist822_next(&l, &m)) {
	case 0:
		return 0;
	case 1:
		if (alist822_next(&l, &more) == 0)
			return address_of(s, &m, kept);
	}
	return bad(s, strlen(s));
}

int address_from_parts(const char *user, const char *host, char kept[LIMIT_ADDRESS + 1])
{
	struct sbuf raw = SBUF_INIT(ROOM);
	int r;

	if (!is_one_line(user) || (host != NULL && !is_one_line(host)))
		r = fail(FAIL_USAGE, "a user or host name in the environment contains a "
				     "control character");
	else if (sbuf_cats(&raw, user) == -1)
		r = too_long();
	else
		r = finish(&raw, host, host != NULL ? strlen(host) : 0, kept);
	sbuf_free(&raw);
	return r;
}
