#include "tlsgate.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cursor.h"
#include "escape.h"
#include "fdio.h"
#include "sbuf.h"
#include "usock.h"

enum { ANSWER_MAX = 2048, KNOWN_FLAGS = TLS_GO | TLS_ASK | TLS_STRICT };

/* ---- the frames ---- */

static const char *or_empty(const char *s)
{
	return s != NULL ? s : "";
}

static int is_verify(int letter)
{
	return letter == TLS_NONE || letter == TLS_NAME || letter == TLS_DANE ||
	       letter == TLS_PIN;
}

static int put_records(struct sbuf *b, const struct tls_want *w)
{
	if (put_u8(b, (uint8_t)w->nrecords) == -1)
		return -1;
	for (size_t i = 0; i < w->nrecords; i++) {
		const struct tls_record *r = &w->records[i];

		if (put_u8(b, r->usage) == -1 || put_u8(b, r->selector) == -1 ||
		    put_u8(b, r->mtype) == -1 || put_u16(b, r->len) == -1 ||
		    sbuf_cat(b, r->data, r->len) == -1)
			return -1;
	}
	return 0;
}

static int put_client(struct sbuf *b, const struct tls_want *w)
{
	if (sbuf_catz(b, or_empty(w->sni)) == -1 || put_u8(b, (uint8_t)w->verify) == -1 ||
	    put_u8(b, (uint8_t)w->nnames) == -1)
		return -1;
	for (size_t i = 0; i < w->nnames; i++)
		if (sbuf_catz(b, w->names[i]) == -1)
			return -1;
	if (put_u8(b, (uint8_t)w->npins) == -1 ||
	    sbuf_cat(b, w->pins, w->npins * TLS_KEYLEN) == -1)
		return -1;
	return put_records(b, w);
}

int tlsgate_put(struct sbuf *b, const struct tls_want *w)
{
	if (w->nnames > TLS_NAMES || w->npins > TLS_PINS || w->nrecords > TLS_RECORDS) {
		errno = EMSGSIZE;
		return -1;
	}
	if (sbuf_catc(b, w->server ? 'S' : 'C') == -1 ||
	    put_u8(b, (uint8_t)w->flags) == -1 || put_u32(b, w->timeout_ms) == -1 ||
	    sbuf_catz(b, or_empty(w->alpn)) == -1)
		return -1;
	return w->server ? 0 : put_client(b, w);
}

static int get_count(struct cursor *c, size_t max, size_t *count)
{
	uint8_t n;

	if (cur_u8(c, &n) == -1)
		return -1;
	if (n > max) {
		c->bad = 1;
		errno = EBADMSG;
		return -1;
	}
	*count = n;
	return 0;
}

static int get_names(struct cursor *c, struct tls_want *w)
{
	if (get_count(c, TLS_NAMES, &w->nnames) == -1)
		return -1;
	for (size_t i = 0; i < w->nnames; i++)
		if (cur_str(c, LIMIT_DOMAIN, &w->names[i]) == -1)
			return -1;
	return 0;
}

static int get_pins(struct cursor *c, struct tls_want *w)
{
	const char *pins;

	if (get_count(c, TLS_PINS, &w->npins) == -1 ||
	    cur_bytes(c, w->npins * TLS_KEYLEN, &pins) == -1)
		return -1;
	memcpy(w->pins, pins, w->npins * TLS_KEYLEN);
	return 0;
}

static int get_record(struct cursor *c, struct tls_record *r)
{
	const char *data;

	if (cur_u8(c, &r->usage) == -1 || cur_u8(c, &r->selector) == -1 ||
	    cur_u8(c, &r->mtype) == -1 || cur_u16(c, &r->len) == -1 ||
	    r->len > TLS_RECORD || cur_bytes(c, r->len, &data) == -1)
		return -1;
	r->data = (const uint8_t *)data;
	return 0;
}

static int get_records(struct cursor *c, struct tls_want *w)
{
	if (get_count(c, TLS_RECORDS, &w->nrecords) == -1)
		return -1;
	for (size_t i = 0; i < w->nrecords; i++)
		if (get_record(c, &w->records[i]) == -1)
			return -1;
	return 0;
}

static int get_client(struct cursor *c, struct tls_want *w)
{
	uint8_t verify;

	if (cur_str(c, LIMIT_DOMAIN, &w->sni) == -1 || cur_u8(c, &verify) == -1 ||
	    get_names(c, w) == -1 || get_pins(c, w) == -1 || get_records(c, w) == -1)
		return -1;
	w->verify = (enum tls_verify)verify;
	return is_verify(verify) ? 0 : -1;
}

/* Verified by nothing would be verified always. */
static int is_whole(const struct tls_want *w)
{
	if (w->server)
		return 1;
	for (size_t i = 0; i < w->nnames; i++)
		if (w->names[i][0] == '\0')
			return 0;
	return (w->verify != TLS_NAME || w->nnames > 0) &&
	       (w->verify != TLS_PIN || w->npins > 0) &&
	       (w->verify != TLS_DANE || w->nrecords > 0);
}

int tlsgate_get(struct tls_want *w, const char *p, size_t n)
{
	struct cursor c;
	uint8_t kind;
	uint8_t flags;

	cur_init(&c, p, n);
	memset(w, 0, sizeof *w);
	w->verify = TLS_NONE;
	if (cur_u8(&c, &kind) == 0 && (kind == 'S' || kind == 'C') &&
	    cur_u8(&c, &flags) == 0 && (flags & ~KNOWN_FLAGS) == 0 &&
	    cur_u32(&c, &w->timeout_ms) == 0 && cur_str(&c, TLS_ALPN, &w->alpn) == 0) {
		w->server = kind == 'S';
		w->flags = flags;
		if ((w->server || get_client(&c, w) == 0) && cur_end(&c) == 0 &&
		    is_whole(w))
			return 0;
	}
	errno = EBADMSG;
	return -1;
}

int tlsgate_facts_put(struct sbuf *b, const struct tls_facts *f)
{
	if (sbuf_catc(b, '+') == -1 || sbuf_catz(b, f->version) == -1 ||
	    sbuf_catz(b, f->cipher) == -1 || put_u8(b, f->verified != 0) == -1 ||
	    sbuf_catz(b, f->why) == -1 || put_u8(b, (uint8_t)f->usable) == -1 ||
	    put_u8(b, (uint8_t)f->usage) == -1 || sbuf_catz(b, f->key) == -1)
		return -1;
	return sbuf_catz(b, f->name);
}

/* The next string into out; what is no printable ASCII becomes '?', for it goes into
 * header fields and logs. */
static int get_text(struct cursor *c, char *out, size_t size)
{
	const char *s;

	if (cur_str(c, size - 1, &s) == -1)
		return -1;
	for (size_t i = 0; i < size && (i == 0 || s[i - 1] != '\0'); i++)
		out[i] = s[i] == '\0' || (s[i] >= ' ' && s[i] <= '~') ? s[i] : '?';
	return 0;
}

static int is_key(const char *hex)
{
	size_t n = strspn(hex, "0123456789abcdef");

	return hex[n] == '\0' && (n == 0 || n == (size_t)2 * TLS_KEYLEN);
}

int tlsgate_facts_get(struct tls_facts *f, const char *p, size_t n)
{
	struct cursor c;
	uint8_t letter = 0;
	uint8_t verified = 0;
	uint8_t usable = 0;
	uint8_t usage = 0;

	memset(f, 0, sizeof *f);
	cur_init(&c, p, n);
	if (cur_u8(&c, &letter) == -1 ||
	    get_text(&c, f->version, sizeof f->version) == -1 ||
	    get_text(&c, f->cipher, sizeof f->cipher) == -1 ||
	    cur_u8(&c, &verified) == -1 || get_text(&c, f->why, sizeof f->why) == -1 ||
	    cur_u8(&c, &usable) == -1 || cur_u8(&c, &usage) == -1 ||
	    get_text(&c, f->key, sizeof f->key) == -1 ||
	    get_text(&c, f->name, sizeof f->name) == -1 || cur_end(&c) == -1 ||
	    letter != '+' || verified > 1 || !is_key(f->key)) {
		memset(f, 0, sizeof *f);
		errno = EBADMSG;
		return -1;
	}
	f->verified = verified;
	f->usable = usable;
	f->usage = usage;
	return 0;
}

/* ---- the caller ---- */

void tlsgate_close(struct tlsgate *g)
{
	int e = errno;

	if (g->fd != -1)
		(void)close(g->fd);
	g->fd = -1;
	errno = e;
}

static int fail(struct tlsgate *g)
{
	tlsgate_close(g);
	return -1;
}

static int bad(struct tlsgate *g)
{
	errno = EBADMSG;
	return fail(g);
}

/* Whoever closes with something unread makes ECONNRESET of what was said before; it is
 * there nevertheless, the second time. */
static ssize_t receive(struct tlsgate *g, char frame[ANSWER_MAX], int *got,
		       int64_t deadline)
{
	ssize_t r;

	if (fd_wait(g->fd, POLLIN, deadline) == -1)
		return -1;
	r = usock_recv(g->fd, frame, ANSWER_MAX, got);
	if (r == -1 && errno == ECONNRESET)
		r = usock_recv(g->fd, frame, ANSWER_MAX, got);
	if (r == 0)
		errno = ECONNRESET;
	return r == 0 ? -1 : r;
}

static int errno_of(char letter)
{
	switch (letter) {
	case 'B':
		return EBUSY;
	case 'T':
		return ETIMEDOUT;
	case 'L':
		return ECONNRESET;
	case 'V':
		return EACCES;
	default:
		return EPROTO;
	}
}

/* "-" letter text */
static int refused(struct tlsgate *g, const char *frame, size_t n)
{
	struct cursor c;
	const char *text;
	uint8_t letter;

	cur_init(&c, frame + 1, n - 1);
	if (cur_u8(&c, &letter) == -1 || strchr("BPTHLV", letter) == NULL ||
	    letter == '\0' || cur_str(&c, LIMIT_TEXT, &text) == -1 || cur_end(&c) == -1)
		return bad(g);
	g->letter = (char)letter;
	(void)escape_text(g->text, sizeof g->text, text, strlen(text));
	errno = errno_of(g->letter);
	return fail(g);
}

static int ready(struct tlsgate *g, int64_t deadline)
{
	char frame[ANSWER_MAX];
	ssize_t n = receive(g, frame, NULL, deadline);

	if (n == -1)
		return fail(g);
	if (n == 1 && frame[0] == 'R')
		return 0;
	return frame[0] == '-' ? refused(g, frame, (size_t)n) : bad(g);
}

static int send_request(struct tlsgate *g, const struct tls_want *w, int tcp)
{
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);
	int r = tlsgate_put(&b, w);

	if (r == 0)
		r = usock_send(g->fd, b.p, b.len, tcp);
	/* Refused before it was asked: the answer is there. */
	if (r == -1 && (errno == EPIPE || errno == ECONNRESET))
		r = 0;
	sbuf_free(&b);
	return r;
}

int tlsgate_open(struct tlsgate *g, const char *service, const struct tls_want *w,
		 int tcp, int64_t deadline)
{
	*g = (struct tlsgate){.fd = usock_connect(service, SOCK_SEQPACKET)};
	if (g->fd == -1 || send_request(g, w, tcp) == -1)
		return fail(g);
	return w->flags & TLS_GO ? 0 : ready(g, deadline);
}

int tlsgate_go(struct tlsgate *g)
{
	int r = usock_send(g->fd, "G", 1, -1);

	/* Why it ended is what tlsgate_result() reads. */
	return r == -1 && errno != EPIPE && errno != ECONNRESET ? fail(g) : 0;
}

int tlsgate_result(struct tlsgate *g, struct tls_facts *f, int64_t deadline)
{
	char frame[ANSWER_MAX];
	int plain;
	ssize_t n = receive(g, frame, &plain, deadline);

	if (n == -1)
		return fail(g);
	if (frame[0] == '-' && plain == -1)
		return refused(g, frame, (size_t)n);
	if (plain == -1)
		return bad(g);
	if (tlsgate_facts_get(f, frame, (size_t)n) == -1) {
		(void)close(plain);
		return bad(g);
	}
	tlsgate_close(g);
	return plain;
}
