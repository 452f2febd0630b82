/* What goes over a gate, for both of its sides. */
#include "tlsgate.h"

#include <errno.h>
#include <string.h>

#include "cursor.h"
#include "sbuf.h"

enum { KNOWN_FLAGS = TLS_GO | TLS_ASK | TLS_STRICT };

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
