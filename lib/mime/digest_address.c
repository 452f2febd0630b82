#include <string.h>

#include "alist822.h"
#include "mime/digest_int.h"
#include "mime/mime_param.h"
#include "mime/parse_int.h"

struct list {
	struct sbuf *out;
	struct sbuf *scratch;
	const char *p; /* one field's body */
	size_t n;
};

static int is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A phrase or a comment's inside as it is to be read: quotes, and comments in a phrase, go; runs of
 * blanks are one. To out, which has room for n. */
static size_t words(char *out, const char *p, size_t n, int is_comment)
{
	size_t len = 0;
	int quoted = is_comment, gap = 0;

	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (is_space(c) || (!quoted && c == '(')) {
			i += c == '(' ? mime_comment(p + i, n - i) - 1 : 0;
			gap = 1;
			continue;
		}
		if (c == '"' && !is_comment) {
			quoted = !quoted;
			continue;
		}
		if (c == '\\' && quoted && i + 1 < n)
			c = p[++i];
		if (gap && len > 0)
			out[len++] = ' ';
		gap = 0;
		out[len++] = c;
	}
	return len;
}

static int words_string(struct list *l, size_t start, size_t end, int is_comment)
{
	size_t n = end - start;

	sbuf_clear(l->scratch);
	if (sbuf_reserve(l->scratch, n) == -1)
		return -1;
	n = words(l->scratch->p, l->p + start, n, is_comment);
	if (n == 0)
		return sbuf_cat(l->out, "NIL", 3);
	return digest_string(l->out, l->scratch->p, n);
}

/* local or domain, [start, end). */
static int half(struct list *l, size_t start, size_t end)
{
	struct mailbox822 m = {.start = start, .end = end};

	sbuf_clear(l->scratch);
	if (mailbox822_address(l->p, &m, l->scratch) == -1)
		return -1;
	return digest_string(l->out, l->scratch->p, l->scratch->len);
}

static int route(struct list *l, const struct mailbox822 *m)
{
	if (m->route == m->route_end)
		return sbuf_cat(l->out, "NIL ", 4);
	return half(l, m->route, m->route_end) == -1 ? -1 : sbuf_catc(l->out, ' ');
}

/* RFC 5322 4.4: before there were display names a comment beside the address was one. */
static int name(struct list *l, const struct mailbox822 *m)
{
	if (m->name < m->name_end)
		return words_string(l, m->name, m->name_end, 0);
	if (m->comment < m->comment_end &&
	    (m->comment_end <= m->start || m->comment >= m->end))
		return words_string(l, m->comment + 1, m->comment_end - 1, 1);
	return sbuf_cat(l->out, "NIL", 3);
}

/* What must not be NIL, as that means a group, is said in Dovecot's words: clients know them. */
static int mailbox(struct list *l, const struct mailbox822 *m)
{
	if (sbuf_catc(l->out, '(') == -1 || name(l, m) == -1 ||
	    sbuf_catc(l->out, ' ') == -1 || route(l, m) == -1)
		return -1;
	if (m->start == m->local_end ? sbuf_cats(l->out, "\"MISSING_MAILBOX\"") == -1
				     : half(l, m->start, m->local_end) == -1)
		return -1;
	if (m->domain == 0)
		return sbuf_cats(l->out, " \"MISSING_DOMAIN\")");
	return sbuf_catc(l->out, ' ') == -1 || half(l, m->domain, m->end) == -1
		   ? -1
		   : sbuf_catc(l->out, ')');
}

/* RFC 9051 7.5.2: a group is begun by its name without a host, and ended by NILs. */
static int group(struct list *l, const struct mailbox822 *m)
{
	if (sbuf_cats(l->out, "(NIL NIL ") == -1 ||
	    words_string(l, m->name, m->name_end, 0) == -1)
		return -1;
	return sbuf_cats(l->out, " NIL)");
}

static size_t find(const char *p, size_t start, size_t end, char c)
{
	const char *at = memchr(p + start, c, end - start);

	return at != NULL ? (size_t)(at - p) : end;
}

static int text_or(struct list *l, size_t start, size_t end, const char *missing)
{
	while (start < end && is_space(l->p[start]))
		start++;
	if (start == end)
		return sbuf_cats(l->out, missing);
	return digest_trimmed(l->out, l->p + start, end - start);
}

/* Where the item ends that alist822_item() broke off in or behind. */
static size_t broken_end(const struct list *l, const struct alist822 *a, size_t start)
{
	if (a->at > start && l->p[a->at - 1] == ',')
		return a->at - 1;
	return find(l->p, a->at, l->n, ',');
}

/* What is no address: a name before <, a local part before the last @, else all is a name. */
static int broken(struct list *l, struct alist822 *a, size_t start)
{
	size_t end = broken_end(l, a, start), name_end = find(l->p, start, end, '<');
	size_t local = name_end < end ? name_end + 1 : start, at;

	a->at = end + (end < l->n);
	end = find(l->p, local, end, '>');
	for (at = end; at > local && l->p[at - 1] != '@';)
		at--;
	if (local == start && at > local)
		name_end = start;
	else if (local == start)
		local = end;
	if (sbuf_catc(l->out, '(') == -1 || words_string(l, start, name_end, 0) == -1 ||
	    sbuf_cats(l->out, " NIL ") == -1 ||
	    text_or(l, local, at > local ? at - 1 : end, "\"MISSING_MAILBOX\"") == -1 ||
	    sbuf_catc(l->out, ' ') == -1 ||
	    text_or(l, at > local ? at : end, end, "\"MISSING_DOMAIN\"") == -1)
		return -1;
	return sbuf_catc(l->out, ')');
}

/* One item. 1, or 0 at the end. */
static int item(struct list *l, struct alist822 *a)
{
	struct mailbox822 m;
	size_t start = a->at;
	int r = -1;

	switch (alist822_item(a, &m)) {
	case ALIST822_MAILBOX:
		r = mailbox(l, &m);
		break;
	case ALIST822_GROUP:
		r = group(l, &m);
		break;
	case ALIST822_GROUP_END:
		r = sbuf_cats(l->out, "(NIL NIL NIL NIL)");
		break;
	case 0:
		return 0;
	default:
		r = broken(l, a, start);
	}
	return r == -1 ? -1 : 1;
}

/* One field; *left counts what there may be. */
static int field(struct list *l, size_t *left)
{
	struct alist822 a;
	int r = 1;

	alist822_init(&a, l->p, l->n);
	while (*left > 0 && (r = item(l, &a)) == 1)
		--*left;
	if (*left > 0 || !a.in_group)
		return r;
	return sbuf_cats(l->out, "(NIL NIL NIL NIL)");
}

int digest_addresses(struct sbuf *out, const struct mime *m, uint32_t part,
		     enum mime_name what)
{
	const struct mime_head *h = &m->state->head[part];
	const char *p = mime_head_text(m, part);
	size_t start = out->len, left = MIME_ADDRESSES;

	if (sbuf_catc(out, '(') == -1)
		return -1;
	for (size_t i = 0; i < h->n; i++) {
		const struct mime_found *f = &m->state->found[h->found + i];
		struct list l = {out, &m->state->text[1], p + f->at, f->end - f->at};

		if (f->name == what && field(&l, &left) == -1)
			return -1;
	}
	if (out->len > start + 1)
		return sbuf_catc(out, ')');
	out->len = start;
	return sbuf_cat(out, "NIL", 3);
}
