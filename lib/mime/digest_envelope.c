#include "mime/digest_int.h"
#include "mime/parse_int.h"

/* Where a list stands in out. */
struct place {
	size_t at, n;
};

static int list(struct sbuf *out, const struct mime *m, uint32_t part,
		enum mime_name name, struct place *where)
{
	where->at = out->len + 1;
	if (sbuf_catc(out, ' ') == -1 || digest_addresses(out, m, part, name) == -1)
		return -1;
	where->n = out->len - where->at;
	return 0;
}

/* Sender and Reply-To: as From where they are missing or empty. */
static int list_or(struct sbuf *out, const struct mime *m, uint32_t part,
		   enum mime_name name, struct place from)
{
	struct place own;

	if (list(out, m, part, name, &own) == -1)
		return -1;
	if (out->p[own.at] == '(')
		return 0;
	out->len = own.at;
	if (sbuf_reserve(out, from.n) == -1)
		return -1;
	return sbuf_cat(out, out->p + from.at, from.n);
}

static int string(struct sbuf *out, const struct mime *m, uint32_t part,
		  enum mime_name name)
{
	return sbuf_catc(out, ' ') == -1 ? -1 : digest_field(out, m, part, name);
}

int digest_envelope(struct sbuf *out, const struct mime *m, uint32_t part)
{
	struct place from, other;

	if (sbuf_catc(out, '(') == -1 || digest_field(out, m, part, NAME_DATE) == -1 ||
	    string(out, m, part, NAME_SUBJECT) == -1 ||
	    list(out, m, part, NAME_FROM, &from) == -1 ||
	    list_or(out, m, part, NAME_SENDER, from) == -1 ||
	    list_or(out, m, part, NAME_REPLYTO, from) == -1 ||
	    list(out, m, part, NAME_TO, &other) == -1 ||
	    list(out, m, part, NAME_CC, &other) == -1 ||
	    list(out, m, part, NAME_BCC, &other) == -1 ||
	    string(out, m, part, NAME_INREPLYTO) == -1 ||
	    string(out, m, part, NAME_MESSAGEID) == -1)
		return -1;
	return sbuf_catc(out, ')');
}
