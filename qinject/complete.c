#include "complete.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "author.h"
#include "escape.h"
#include "fail.h"
#include "followup.h"
#include "hdr822.h"
#include "rewrite.h"
#include "who.h"

enum what {
	ADDRESSES = 1, /* an address list: completed */
	RCPT = 2,      /* its addresses are recipients */
	RESENT = 4,    /* belongs to a forwarding */
	GONE = 8,      /* not copied */
	SENDER = 16,   /* Return-Path */
	FOLLOWED = 32, /* its addresses go into Mail-Followup-To */
	ONCE = 64      /* a second one in a Resent- block begins an older block */
};

/* Which of the fields that may have to be added is there. */
enum seen {
	SEEN_DATE = 1,
	SEEN_ID = 2,
	SEEN_FROM = 4,
	SEEN_TO = 8,
	SEEN_FOLLOWUP = 16,
	SEEN_SHIFT = 5 /* the same of the Resent- fields */
};

struct kind {
	const char *name;
	unsigned what;
	unsigned seen;
};

#define R(bit) ((unsigned)(bit) << SEEN_SHIFT)

static const struct kind kinds[] = {
    {"Date", 0, SEEN_DATE},
    {"Message-ID", 0, SEEN_ID},
    {"From", ADDRESSES, SEEN_FROM},
    {"To", ADDRESSES | RCPT | FOLLOWED, SEEN_TO},
    {"Cc", ADDRESSES | RCPT | FOLLOWED, SEEN_TO},
    {"Bcc", ADDRESSES | RCPT | GONE, SEEN_TO},
    {"Apparently-To", ADDRESSES | RCPT, SEEN_TO},
    {"Sender", ADDRESSES, 0},
    {"Reply-To", ADDRESSES, 0},
    {"Errors-To", ADDRESSES, 0},
    {"Mail-Reply-To", ADDRESSES, 0},
    {"Mail-Followup-To", ADDRESSES, SEEN_FOLLOWUP},
    {"Return-Receipt-To", ADDRESSES, 0},
    {"Notice-Requested-Upon-Delivery-To", ADDRESSES, 0},
    {"Return-Path", ADDRESSES | SENDER | GONE, 0},
    {"Content-Length", GONE, 0},
    {"Resent-Date", RESENT | ONCE, R(SEEN_DATE)},
    {"Resent-Message-ID", RESENT | ONCE, R(SEEN_ID)},
    {"Resent-From", RESENT | ONCE | ADDRESSES, R(SEEN_FROM)},
    {"Resent-Sender", RESENT | ADDRESSES, R(SEEN_FROM)},
    {"Resent-Reply-To", RESENT | ADDRESSES, 0},
    {"Resent-To", RESENT | ADDRESSES | RCPT, R(SEEN_TO)},
    {"Resent-Cc", RESENT | ADDRESSES | RCPT, R(SEEN_TO)},
    {"Resent-Bcc", RESENT | ADDRESSES | RCPT | GONE, R(SEEN_TO)},
};

static const struct kind other = {"", 0, 0};

struct state {
	const struct wish *wish;
	struct hdr822 hdr;
	struct completed *out;
	struct rcpts *rcpts;
	struct sbuf fields;   /* those that are copied */
	struct sbuf followup; /* addresses of To and Cc, each with a NUL */
	unsigned seen;
	int resent;
	enum { BEFORE, INSIDE, BEHIND } block;
	const struct kind *kind; /* of the field in work */
	int have_sender;
};

static const struct kind *kind_of(const struct hdr822 *h, const struct hdr822_field *f)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (hdr822_is(h, f, kinds[i].name))
			return &kinds[i];
	return &other;
}

static int is_resent(const struct hdr822 *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (kind_of(h, &h->field[i])->what & RESENT)
			return 1;
	return 0;
}

/* RFC 5322 3.6.6: each forwarding puts its block on top. */
static void follow_block(struct state *s, const struct kind *k)
{
	int inside = (k->what & RESENT) && !((k->what & ONCE) && (s->seen & k->seen));

	if (s->block == BEFORE && inside)
		s->block = INSIDE;
	else if (s->block == INSIDE && !inside)
		s->block = BEHIND;
}

/* Does this field speak for this message, not for an older forwarding of it? */
static int counts(const struct state *s, const struct kind *k)
{
	return !(k->what & RESENT) || s->block == INSIDE;
}

static int gives_recipients(const struct state *s, const struct kind *k)
{
	return (k->what & RCPT) && (s->wish->flags & WISH_HEADER_RCPTS) &&
	       ((k->what & RESENT) != 0) == s->resent && counts(s, k);
}

static int is_unwanted(const struct state *s, const struct kind *k)
{
	unsigned from = s->resent ? R(SEEN_FROM) : SEEN_FROM;
	unsigned id = s->resent ? R(SEEN_ID) : SEEN_ID;
	int is_sender = (k->what & (RESENT | ONCE)) == RESENT;

	if (k->what & GONE)
		return 1;
	if (!counts(s, k))
		return 0;
	return ((s->wish->flags & WISH_NO_FROM) && k->seen == from && !is_sender) ||
	       ((s->wish->flags & WISH_NO_MESSAGE_ID) && k->seen == id);
}

static int take_address(void *arg, const char *kept)
{
	struct state *s = arg;

	if (s->kind->what & SENDER) {
		memcpy(s->out->sender, kept, strlen(kept) + 1);
		s->have_sender = 1;
		return 0;
	}
	if (kept[0] == '\0')
		return 0;
	if ((s->kind->what & FOLLOWED) && followup_wanted() &&
	    sbuf_catz(&s->followup, kept) == -1)
		return fail_sys(FAIL_MEMORY, "keep the addresses");
	return gives_recipients(s, s->kind) ? rcpts_add(s->rcpts, kept) : 0;
}

static int bad_field(const struct state *s, const struct hdr822_field *f)
{
	char name[64];

	escape_text(name, sizeof name, s->hdr.p + f->start, f->name_len);
	return fail(FAIL_DATA, "the field %s is not an address list", name);
}

static int is_asked(const struct state *s, const struct kind *k)
{
	if (k->what & SENDER)
		return s->wish->sender == NULL &&
		       !(s->wish->flags & WISH_NO_RETURN_PATH) && !s->have_sender;
	return gives_recipients(s, k) || ((k->what & FOLLOWED) && followup_wanted());
}

/* An address list that nobody needs may be a wrong one: it is copied as it is. */
static int address_field(struct state *s, const struct hdr822_field *f)
{
	const struct kind *k = s->kind;
	const char *p = s->hdr.p;
	int asked = is_asked(s, k);
	int r;

	if (sbuf_cat(&s->fields, p + f->start, f->body - f->start) == -1)
		return fail_sys(FAIL_MEMORY, "copy the header");
	r = rewrite_addresses(&s->fields, p + f->body, f->end - f->body,
			      asked ? take_address : NULL, s);
	return r == 1 && (gives_recipients(s, k) || (asked && (k->what & SENDER)))
		   ? bad_field(s, f)
		   : r;
}

static int field(struct state *s, const struct hdr822_field *f)
{
	const struct kind *k = kind_of(&s->hdr, f);
	size_t before = s->fields.len;
	int gone;

	s->kind = k;
	follow_block(s, k);
	gone = is_unwanted(s, k);
	if (counts(s, k) && (!gone || k->seen == SEEN_TO || k->seen == R(SEEN_TO)))
		s->seen |= k->seen;
	if ((k->what & ADDRESSES) && counts(s, k)) {
		if (address_field(s, f) == -1)
			return -1;
	} else if (sbuf_cat(&s->fields, s->hdr.p + f->start, f->end - f->start) == -1) {
		return fail_full(FAIL_DATA, "the header is too large");
	}
	if (gone)
		s->fields.len = before;
	return 0;
}

static int add_missing(struct state *s)
{
	struct sbuf *out = &s->out->header;
	const char *prefix = s->resent ? "Resent-" : "";
	unsigned seen = s->resent ? s->seen >> SEEN_SHIFT : s->seen;

	if (!(seen & SEEN_DATE) && author_date(out, prefix) == -1)
		return -1;
	if (!(seen & SEEN_ID) && author_message_id(out, prefix) == -1)
		return -1;
	if (!(seen & SEEN_FROM) && author_from(out, prefix, s->wish) == -1)
		return -1;
	if (!(seen & SEEN_TO) &&
	    sbuf_catf(out, "%sCc: recipient list not shown: ;\n", prefix) == -1)
		return fail_sys(FAIL_MEMORY, "complete the header");
	if (s->resent || (s->seen & SEEN_FOLLOWUP) || !followup_wanted())
		return 0;
	return followup_field(out, &s->followup);
}

/* qmail-inject's VERP: local-@host-@[], and local-date.pid@host. */
static int hack_sender(const struct wish *w, char sender[LIMIT_ADDRESS + 1])
{
	struct sbuf b = SBUF_INIT(LIMIT_ADDRESS + 1);
	const char *domain = addr_domain(sender);
	int ok;

	if (!(w->flags & (WISH_VERP | WISH_MESSAGE_VERP)) || domain == NULL)
		return 0;
	ok = sbuf_cat(&b, sender, (size_t)(domain - sender) - 1) == 0;
	if (w->flags & WISH_MESSAGE_VERP)
		ok = ok && sbuf_catf(&b, "-%lld.%ld", (long long)time(NULL),
				     (long)getpid()) == 0;
	ok = ok && sbuf_catf(&b, w->flags & WISH_VERP ? "-@%s-@[]" : "@%s", domain) == 0;
	ok = ok && sbuf_catc(&b, '\0') == 0;
	if (ok)
		memcpy(sender, b.p, b.len);
	sbuf_free(&b);
	return ok ? 0 : fail_full(FAIL_LONG, "the sender is too long");
}

static int set_sender(struct state *s)
{
	char *sender = s->out->sender;

	if (s->wish->sender != NULL)
		memcpy(sender, s->wish->sender, strlen(s->wish->sender) + 1);
	else if (!s->have_sender)
		return who_sender(sender) == -1 ? -1 : hack_sender(s->wish, sender);
	return 0;
}

static int run(struct state *s)
{
	s->resent = is_resent(&s->hdr);
	for (size_t i = 0; i < s->hdr.n; i++)
		if (field(s, &s->hdr.field[i]) == -1)
			return -1;
	if (add_missing(s) == -1 || set_sender(s) == -1)
		return -1;
	if (sbuf_cat(&s->out->header, s->fields.p, s->fields.len) == -1)
		return fail_sys(FAIL_MEMORY, "complete the header");
	return 0;
}

int complete(const struct wish *w, const struct sbuf *header, struct completed *out,
	     struct rcpts *rcpts)
{
	struct state s = {.wish = w, .out = out, .rcpts = rcpts, .kind = &other};
	int r;

	/* Completion may lengthen each address. */
	sbuf_init(&out->header, 4L * LIMIT_HEADER);
	sbuf_init(&s.fields, 3L * LIMIT_HEADER);
	sbuf_init(&s.followup, LIMIT_HEADER);
	out->sender[0] = '\0';
	if (hdr822_parse(&s.hdr, header->p, header->len) == -1)
		return fail_full(FAIL_DATA, "the header is too large");
	r = run(&s);
	hdr822_free(&s.hdr);
	sbuf_free(&s.fields);
	sbuf_free(&s.followup);
	return r;
}
