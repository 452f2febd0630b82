#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "mime/charset.h"
#include "mime/date5322.h"
#include "mime/digest.h"
#include "messages.h"
#include "sbuf.h"
#include "search.h"

enum { DAY = 86400, TEXT_MAX = 4 * NEEDLE_MAX };

struct reader; /* how the words behind a key are read, and what they mean */
typedef int (*read_fn)(struct search *s, struct search_key *k, struct words *w,
		       const struct reader *r);

struct reader {
	const char *name;
	read_fn read;
	enum search_op op;
	enum search_cost cost;
	int a, b; /* as read wants */
};

/* a: flags that are wanted (of RECENT: whether it is), b: those that are not. */
static int read_nothing(struct search *s, struct search_key *k, struct words *w,
			const struct reader *r)
{
	(void)s;
	(void)w;
	k->set = (uint16_t)r->a;
	k->clear = (uint16_t)r->b;
	return 0;
}

/* $Forwarded is a flag in names of files (name.h). */
static int read_keyword(struct search *s, struct search_key *k, struct words *w,
			const struct reader *r)
{
	struct text t;

	(void)s;
	if (take_space(w) == -1 || take_atom(w, &t) == -1)
		return -1;
	k->want = (uint8_t)r->a;
	if (strcasecmp(t.p, "$Forwarded") == 0) {
		k->op = SEARCH_FLAGS;
		k->set = r->a ? MSG_PASSED : 0;
		k->clear = r->a ? 0 : MSG_PASSED;
		return 0;
	}
	k->what = box_keyword_bit(&session.box, t.p, 0);
	return 0;
}

/* a: days before the date from which it fits, b: days behind it until which it does (INT_MAX: for ever). */
static int read_date(struct search *s, struct search_key *k, struct words *w,
		     const struct reader *r)
{
	struct text t;
	int64_t day;

	(void)s;
	if (take_space(w) == -1 || take_astring(w, &t) == -1 ||
	    date_day_read(t.p, t.n, &day) == -1)
		return -1;
	k->lo = r->a ? day : INT64_MIN + 1;
	k->hi = r->b == 0 ? day : r->b == 1 ? day + DAY : INT64_MAX;
	return 0;
}

/* a: YOUNGER */
static int read_within(struct search *s, struct search_key *k, struct words *w,
		       const struct reader *r)
{
	uint32_t seconds;
	int64_t then;

	(void)s;
	if (take_space(w) == -1 || take_nz32(w, &seconds) == -1)
		return -1;
	then = (int64_t)time(NULL) - (int64_t)seconds;
	k->lo = r->a ? then : INT64_MIN + 1;
	k->hi = r->a ? INT64_MAX : then + 1;
	return 0;
}

/* a: LARGER */
static int read_size(struct search *s, struct search_key *k, struct words *w,
		     const struct reader *r)
{
	uint64_t n;

	(void)s;
	if (take_space(w) == -1 || take_u64(w, &n) == -1)
		return -1;
	k->lo = r->a ? (int64_t)n : -1;
	k->hi = r->a ? INT64_MAX : (int64_t)n;
	return 0;
}

static int read_uids(struct search *s, struct search_key *k, struct words *w,
		     const struct reader *r)
{
	(void)s;
	(void)r;
	return take_space(w) == -1 ? -1 : set_read(&k->numbers, w, messages_last(1));
}

/* [SP entry-name SP entry-type-req] SP mod-sequence-valzer: we keep one for a message. */
static int read_modseq(struct search *s, struct search_key *k, struct words *w,
		       const struct reader *r)
{
	struct text entry;
	uint64_t n;

	(void)r;
	if (take_space(w) == -1)
		return -1;
	if (words_peek(w) == '"' &&
	    (take_string(w, &entry) == -1 || take_space(w) == -1 ||
	     (take_word(w, "all") == -1 && take_word(w, "priv") == -1 &&
	      take_word(w, "shared") == -1) ||
	     take_space(w) == -1))
		return -1;
	if (take_u64(w, &n) == -1)
		return -1;
	k->lo = (int64_t)n;
	s->has_modseq = 1;
	return 0;
}

/* ---- texts ---- */

static int convert(struct sbuf *out, const struct text *t, const char *name)
{
	struct charset c;

	return charset_open(&c, name, strlen(name)) == 1 &&
		       charset_add(&c, out, t->p, t->n) == 0 && charset_end(&c, out) == 0
		   ? 0
		   : -1;
}

static int read_text(struct search *s, struct search_key *k, struct words *w)
{
	struct sbuf utf8 = SBUF_INIT(TEXT_MAX);
	struct text t;
	int r;

	if (take_space(w) == -1 || take_astring(w, &t) == -1)
		return -1;
	if (t.n > NEEDLE_MAX)
		r = -1;
	else if (s->charset == NULL)
		r = needle_init(&k->needle, t.p, t.n);
	else
		r = convert(&utf8, &t, s->charset) == -1
			? -1
			: needle_init(&k->needle, utf8.p, utf8.len);
	sbuf_free(&utf8);
	if (r == -1)
		s->error = SEARCH_LIMIT;
	return r;
}

static int read_body(struct search *s, struct search_key *k, struct words *w,
		     const struct reader *r)
{
	k->want = (uint8_t)r->a;
	return read_text(s, k, w);
}

static int read_field(struct search *s, struct search_key *k, struct words *w,
		      const struct reader *r)
{
	k->what = r->a;
	if (read_text(s, k, w) == -1)
		return -1;
	if (k->needle.n == 0) { /* is it there at all? the digest does not tell */
		k->op = SEARCH_HEADER;
		k->cost = COST_HEADER;
		k->name = r->name;
	}
	return 0;
}

static const struct {
	const char *name;
	enum digest_what what;
} fields[] = {
    {"Subject", DIGEST_SUBJECT},
    {"From", DIGEST_FROM},
    {"To", DIGEST_TO},
    {"Cc", DIGEST_CC},
    {"Bcc", DIGEST_BCC},
    {"Message-ID", DIGEST_MESSAGEID},
    {"In-Reply-To", DIGEST_INREPLYTO},
    {"References", DIGEST_REFERENCES},
};

static int read_header(struct search *s, struct search_key *k, struct words *w,
		       const struct reader *r)
{
	struct text name;

	(void)r;
	if (take_space(w) == -1 || take_astring(w, &name) == -1)
		return -1;
	k->name = name.p;
	if (read_text(s, k, w) == -1)
		return -1;
	for (size_t i = 0; k->needle.n > 0 && i < sizeof fields / sizeof *fields; i++)
		if (strcasecmp(fields[i].name, name.p) == 0) {
			k->op = SEARCH_FIELD;
			k->cost = COST_DIGEST;
			k->what = fields[i].what;
		}
	return 0;
}

static const struct reader readers[] = {
    {"ALL", read_nothing, SEARCH_ALL, COST_NONE, 0, 0},
    {"SAVEDATESUPPORTED", read_nothing, SEARCH_ALL, COST_NONE, 0, 0},
    {"ANSWERED", read_nothing, SEARCH_FLAGS, COST_NONE, MSG_ANSWERED, 0},
    {"DELETED", read_nothing, SEARCH_FLAGS, COST_NONE, MSG_DELETED, 0},
    {"DRAFT", read_nothing, SEARCH_FLAGS, COST_NONE, MSG_DRAFT, 0},
    {"FLAGGED", read_nothing, SEARCH_FLAGS, COST_NONE, MSG_FLAGGED, 0},
    {"SEEN", read_nothing, SEARCH_FLAGS, COST_NONE, MSG_SEEN, 0},
    {"UNANSWERED", read_nothing, SEARCH_FLAGS, COST_NONE, 0, MSG_ANSWERED},
    {"UNDELETED", read_nothing, SEARCH_FLAGS, COST_NONE, 0, MSG_DELETED},
    {"UNDRAFT", read_nothing, SEARCH_FLAGS, COST_NONE, 0, MSG_DRAFT},
    {"UNFLAGGED", read_nothing, SEARCH_FLAGS, COST_NONE, 0, MSG_FLAGGED},
    {"UNSEEN", read_nothing, SEARCH_FLAGS, COST_NONE, 0, MSG_SEEN},
    {"RECENT", read_nothing, SEARCH_RECENT, COST_NONE, 1, 0},
    {"OLD", read_nothing, SEARCH_RECENT, COST_NONE, 0, 0},
    {"NEW", read_nothing, SEARCH_RECENT, COST_NONE, 1, MSG_SEEN},
    {"KEYWORD", read_keyword, SEARCH_KEYWORD, COST_NONE, 1, 0},
    {"UNKEYWORD", read_keyword, SEARCH_KEYWORD, COST_NONE, 0, 0},
    {"UID", read_uids, SEARCH_UIDS, COST_NONE, 0, 0},
    {"MODSEQ", read_modseq, SEARCH_MODSEQ, COST_NONE, 0, 0},
    {"BEFORE", read_date, SEARCH_DATE, COST_STAT, 0, 0},
    {"ON", read_date, SEARCH_DATE, COST_STAT, 1, 1},
    {"SINCE", read_date, SEARCH_DATE, COST_STAT, 1, 2},
    {"SAVEDBEFORE", read_date, SEARCH_SAVED, COST_NONE, 0, 0},
    {"SAVEDON", read_date, SEARCH_SAVED, COST_NONE, 1, 1},
    {"SAVEDSINCE", read_date, SEARCH_SAVED, COST_NONE, 1, 2},
    {"SENTBEFORE", read_date, SEARCH_SENT, COST_DIGEST, 0, 0},
    {"SENTON", read_date, SEARCH_SENT, COST_DIGEST, 1, 1},
    {"SENTSINCE", read_date, SEARCH_SENT, COST_DIGEST, 1, 2},
    {"OLDER", read_within, SEARCH_DATE, COST_STAT, 0, 0},
    {"YOUNGER", read_within, SEARCH_DATE, COST_STAT, 1, 0},
    {"LARGER", read_size, SEARCH_SIZE, COST_STAT, 1, 0},
    {"SMALLER", read_size, SEARCH_SIZE, COST_STAT, 0, 0},
    {"SUBJECT", read_field, SEARCH_FIELD, COST_DIGEST, DIGEST_SUBJECT, 0},
    {"FROM", read_field, SEARCH_FIELD, COST_DIGEST, DIGEST_FROM, 0},
    {"TO", read_field, SEARCH_FIELD, COST_DIGEST, DIGEST_TO, 0},
    {"CC", read_field, SEARCH_FIELD, COST_DIGEST, DIGEST_CC, 0},
    {"BCC", read_field, SEARCH_FIELD, COST_DIGEST, DIGEST_BCC, 0},
    {"HEADER", read_header, SEARCH_HEADER, COST_HEADER, 0, 0},
    {"BODY", read_body, SEARCH_TEXT, COST_TEXT, 1, 0},
    {"TEXT", read_body, SEARCH_TEXT, COST_TEXT, 0, 0},
};

int search_read_key(struct search *s, struct search_key *k, struct words *w,
		    const char *word)
{
	for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
		const struct reader *r = &readers[i];

		if (strcasecmp(r->name, word) != 0)
			continue;
		k->op = (uint8_t)r->op;
		k->cost = (uint8_t)r->cost;
		return r->read(s, k, w, r);
	}
	return -1;
}
