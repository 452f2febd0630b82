/* THREAD (RFC 5256 3). */
#include <errno.h>
#include <stdlib.h>

#include "io.h"
#include "mime/digest.h"
#include "mime/subject.h"
#include "parsed.h"
#include "sbuf.h"
#include "search.h"
#include "thread.h"
#include "vanished.h"

enum { TEXTS = 512 * 1024 * 1024 };

static const struct algorithm {
	const char *name;
	int (*make)(struct sbuf *out, const struct thread_msg *m, size_t n);
} algorithms[] = {{"REFERENCES", thread_references},
		  {"ORDEREDSUBJECT", thread_orderedsubject}};

/* Texts are offsets in it until there are all of them. */
struct threads {
	struct search search;
	const struct algorithm *algorithm;
	uint32_t *at;
	size_t n;
	struct thread_msg *msg;
	size_t *offset; /* four a message, as they stand in struct thread_msg */
	struct sbuf texts;
	struct sbuf out;
};

static int add_field(struct threads *t, const char *p, size_t n, enum digest_what what,
		     struct thread_text *text, size_t *offset)
{
	const char *q = NULL;
	size_t len = 0;

	*offset = t->texts.len;
	if (n > 0 && !digest_get(p, n, what, &q, &len))
		len = 0;
	text->n = len;
	return len > 0 ? sbuf_cat(&t->texts, q, len) : 0;
}

static int add_subject(struct threads *t, const char *p, size_t n, struct thread_msg *m,
		       size_t *offset)
{
	const char *q = "";
	size_t len = 0;

	*offset = t->texts.len;
	if (n > 0 && !digest_get(p, n, DIGEST_SUBJECT, &q, &len))
		len = 0;
	if (subject_base(&t->texts, q, len, &m->is_reply) == -1)
		return -1;
	m->subject.n = t->texts.len - *offset;
	return 0;
}

static int64_t sent(size_t i, const char *p, size_t n)
{
	struct box *b = &session.box;
	struct digest_numbers numbers;
	const struct msg *m;

	if (n > 0 && digest_numbers(p, n, &numbers) && numbers.sent != INT64_MIN)
		return numbers.sent;
	m = box_at(b, i);
	return m == NULL || (m->date == INT64_MIN && box_date(b, i) == -1)
		   ? 0
		   : box_at(b, i)->date;
}

static int add_message(struct threads *t, size_t k, int by_uid)
{
	struct thread_msg *m = &t->msg[k];
	size_t *offset = &t->offset[4 * k];
	const struct msg *msg = box_at(&session.box, t->at[k]);
	const char *p = NULL;
	size_t n = 0;

	*m = (struct thread_msg){.number =
				     by_uid && msg != NULL ? msg->uid : t->at[k] + 1};
	if (parsed_digest(t->at[k], &p, &n) != 1)
		n = 0; /* it cannot be read any more: as if it had no header */
	if (add_field(t, p, n, DIGEST_MESSAGEID, &m->id, &offset[0]) == -1 ||
	    add_field(t, p, n, DIGEST_INREPLYTO, &m->inreplyto, &offset[1]) == -1 ||
	    add_field(t, p, n, DIGEST_REFERENCES, &m->references, &offset[2]) == -1 ||
	    add_subject(t, p, n, m, &offset[3]) == -1)
		return -1;
	m->sent = sent(t->at[k], p, n);
	return 0;
}

static int make(struct threads *t, int by_uid)
{
	int64_t next = 0;

	t->msg = malloc((t->n + 1) * sizeof *t->msg);
	t->offset = malloc((4 * t->n + 1) * sizeof *t->offset);
	if (t->msg == NULL || t->offset == NULL)
		return -1;
	for (size_t k = 0; k < t->n; k++) {
		search_sign(&next, k, t->n);
		if (add_message(t, k, by_uid) == -1)
			return -1;
	}
	for (size_t k = 0; k < t->n; k++) {
		const char *texts = sbuf_str(&t->texts);
		struct thread_msg *m = &t->msg[k];

		if (texts == NULL)
			return -1;
		m->id.p = texts + t->offset[4 * k];
		m->inreplyto.p = texts + t->offset[4 * k + 1];
		m->references.p = texts + t->offset[4 * k + 2];
		m->subject.p = texts + t->offset[4 * k + 3];
	}
	return t->algorithm->make(&t->out, t->msg, t->n);
}

static int read_algorithm(struct words *w, struct threads *t)
{
	if (take_space(w) == -1)
		return -1;
	for (size_t k = 0; k < sizeof algorithms / sizeof *algorithms; k++)
		if (take_word(w, algorithms[k].name) == 0) {
			t->algorithm = &algorithms[k];
			return take_space(w);
		}
	return -1;
}

static void thread(struct command *c, struct threads *t)
{
	if (t->search.has_modseq)
		condstore_on();
	if (search_collect(&t->search, &t->at, &t->n) == -1 || make(t, c->uid) == -1) {
		no_errno(c, "thread");
		return;
	}
	io_puts(t->out.len > 0 ? "* THREAD " : "* THREAD");
	io_put(t->out.p, t->out.len);
	io_puts("\r\n");
	ok(c, "", "THREAD is complete");
}

void cmd_thread(struct command *c)
{
	struct threads t = {.texts = SBUF_INIT(TEXTS), .out = SBUF_INIT(TEXTS)};
	struct text charset;

	if (read_algorithm(&c->w, &t) == -1 || take_astring(&c->w, &charset) == -1 ||
	    take_space(&c->w) == -1)
		bad(c, "THREAD needs an algorithm, a charset and search keys");
	else if (search_read(&t.search, &c->w, charset.p) == -1)
		search_refuse(c, &t.search);
	else
		thread(c, &t);
	search_free(&t.search);
	sbuf_free(&t.texts);
	sbuf_free(&t.out);
	free(t.at);
	free(t.msg);
	free(t.offset);
	parsed_done();
}
