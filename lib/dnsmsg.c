#include "dnsmsg.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

enum { HEAD = 12, NAME_WIRE = 255, LABEL = 63, CLASS_IN = 1 };
enum { FLAG_QR = 0x80, FLAG_OPCODE = 0x78, FLAG_AA = 0x04, FLAG_TC = 0x02 }; /* byte 2 */
enum { FLAG_RA = 0x80, FLAG_AD = 0x20, RCODE = 0x0f };                       /* byte 3 */
enum { NXDOMAIN = 3 };

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

static int is_label_byte(uint8_t c)
{
	return c > 0x20 && c < 0x7f && c != '.' && c != '\\';
}

/* ---- writing ---- */

static uint8_t *put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

/* The label at *name to p: its length, 0 at the end of the name, -1 if it is none. */
static int put_label(uint8_t *p, size_t room, const char **name)
{
	size_t n = strcspn(*name, ".");

	if (n == 0 || n > LABEL || n + 1 > room)
		return -1;
	*p = (uint8_t)n;
	for (size_t i = 0; i < n; i++)
		if (!is_label_byte(p[1 + i] = (uint8_t)(*name)[i]))
			return -1;
	*name += n;
	*name += **name == '.';
	return (int)n;
}

/* Behind the name, or NULL. */
static uint8_t *put_name(uint8_t *p, const char *name)
{
	const uint8_t *end = p + NAME_WIRE - 1; /* the root's label comes last */

	if (strcmp(name, ".") == 0)
		name++;
	while (*name != '\0') {
		int n = put_label(p, (size_t)(end - p), &name);

		if (n == -1)
			return NULL;
		p += 1 + n;
	}
	*p++ = 0;
	return p;
}

/* RFC 6891 6.1.2: the root, our size, DO (RFC 3225), no options. */
static uint8_t *put_opt(uint8_t *p)
{
	static const uint8_t opt[] = {
	    0, 0, DNS_OPT, DNSMSG_UDP >> 8, DNSMSG_UDP & 0xff, 0, 0, 0x80, 0, 0, 0};

	memcpy(p, opt, sizeof opt);
	return p + sizeof opt;
}

int dnsmsg_query(uint8_t out[DNSMSG_QUERYMAX], uint16_t id, const char *name,
		 uint16_t type, int edns)
{
	uint8_t *p;

	memset(out, 0, HEAD);
	(void)put16(out, id);
	out[2] = 0x01; /* RD */
	out[5] = 1;    /* one question */
	out[11] = edns != 0;
	p = put_name(out + HEAD, name);
	if (p == NULL) {
		errno = EINVAL;
		return -1;
	}
	p = put16(p, type);
	p = put16(p, CLASS_IN);
	if (edns)
		p = put_opt(p);
	return (int)(p - out);
}

/* ---- reading ---- */

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static int lower(int c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/* The question of the query, name and all; case is the server's to change. Lengths of
 * labels are below 'A', so the same comparison does for them. */
static int same_question(const uint8_t *query, size_t qlen, const uint8_t *msg, size_t n)
{
	size_t end = HEAD;

	while (end < qlen && query[end] != 0)
		end += 1 + (size_t)query[end];
	end += 5;
	if (end > qlen || end > n)
		return 0;
	for (size_t i = HEAD; i < end; i++)
		if (lower(query[i]) != lower(msg[i]))
			return 0;
	return 1;
}

int dnsmsg_is_reply(const uint8_t *query, size_t qlen, const uint8_t *msg, size_t n)
{
	int rcode;

	if (n < HEAD || qlen < HEAD || msg[0] != query[0] || msg[1] != query[1] ||
	    (msg[2] & FLAG_QR) == 0 || (msg[2] & FLAG_OPCODE) != 0)
		return 0;
	rcode = msg[3] & RCODE;
	if (get16(msg + 4) == 0) /* a server that failed may leave the question out */
		return n == HEAD && rcode != 0 && rcode != NXDOMAIN;
	return get16(msg + 4) == 1 && same_question(query, qlen, msg, n);
}

struct reader {
	const uint8_t *msg;
	size_t len;
	size_t pos;
};

/* One label into out (as text); 0, or -1 if it does not fit. */
static int take_label(const struct reader *r, size_t at, char *out, size_t *len)
{
	size_t n = r->msg[at];

	if (at + 1 + n > r->len || *len + (*len > 0) + n > LIMIT_DOMAIN - 2)
		return bad();
	if (*len > 0)
		out[(*len)++] = '.';
	for (size_t i = 0; i < n; i++) {
		uint8_t c = r->msg[at + 1 + i];

		out[(*len)++] = (char)(is_label_byte(c) ? c : '\\');
	}
	return 0;
}

/* The name at r->pos. A pointer must lead before the place where the name, or the part
 * that the last pointer led to, began (RFC 1035 4.1.4: "a prior occurrence"): so
 * it ends. */
static int take_name(struct reader *r, char out[LIMIT_DOMAIN + 1])
{
	size_t at = r->pos;
	size_t start = at;
	size_t len = 0;
	int jumped = 0;

	for (;;) {
		uint8_t c;
		size_t to;

		if (at >= r->len)
			return bad();
		c = r->msg[at];
		if (c == 0 || c > LABEL) {
			if (!jumped)
				r->pos = at + (c == 0 ? 1 : 2);
			if (c == 0)
				break;
			if (c < 0xc0 || at + 2 > r->len)
				return bad();
			to = get16(r->msg + at) & 0x3fff;
			if (to >= start || to < HEAD)
				return bad();
			at = start = to;
			jumped = 1;
			continue;
		}
		if (take_label(r, at, out, &len) == -1)
			return -1;
		at += 1 + (size_t)c;
	}
	out[len] = '\0';
	return 0;
}

struct head {
	char owner[LIMIT_DOMAIN + 1];
	unsigned type, class;
	struct dns_record data;
};

static int take_record(struct reader *r, struct head *h)
{
	const uint8_t *p;

	if (take_name(r, h->owner) == -1)
		return -1;
	if (r->len - r->pos < 10)
		return bad();
	p = r->msg + r->pos;
	h->type = get16(p);
	h->class = get16(p + 2);
	h->data.ttl = (uint32_t)get16(p + 4) << 16 | get16(p + 6);
	h->data.len = (uint16_t)get16(p + 8);
	r->pos += 10;
	if (r->len - r->pos < h->data.len)
		return bad();
	h->data.offset = (uint16_t)r->pos;
	r->pos += h->data.len;
	return 0;
}

/* To the answers, behind the one question. */
static int start(struct reader *r, const struct dns_answer *a)
{
	char name[LIMIT_DOMAIN + 1];

	*r = (struct reader){a->msg, a->len, HEAD};
	if (a->len < HEAD || get16(a->msg + 4) > 1)
		return bad();
	if (get16(a->msg + 4) == 1) {
		if (take_name(r, name) == -1)
			return -1;
		r->pos += 4;
	}
	return r->pos > r->len ? bad() : 0;
}

/* Every record must be well formed; OPT carries the upper bits of the code. */
static int check_all(const struct dns_answer *a, int *rcode)
{
	struct reader r;
	struct head h;
	unsigned answers = get16(a->msg + 6);
	unsigned all = answers + get16(a->msg + 8) + get16(a->msg + 10);

	*rcode = a->msg[3] & RCODE;
	if (start(&r, a) == -1)
		return -1;
	for (unsigned i = 0; i < all; i++) {
		if (take_record(&r, &h) == -1)
			return -1;
		if (i >= answers && h.type == DNS_OPT)
			*rcode |= (int)(h.data.ttl >> 24) << 4;
	}
	return r.pos == r.len ? 0 : bad();
}

/* The name in a record's data, from byte skip on; it must fill the data. */
static int name_of(const struct dns_answer *a, const struct dns_record *d, size_t skip,
		   char name[LIMIT_DOMAIN + 1])
{
	struct reader r = {a->msg, (size_t)d->offset + d->len, d->offset + skip};

	if (d->len < skip || take_name(&r, name) == -1 || r.pos != r.len)
		return bad();
	return 0;
}

/* Take the records of a->owner; 1 when it is an alias instead, of target. */
static int collect(struct dns_answer *a, char target[LIMIT_DOMAIN + 1])
{
	struct reader r;
	struct head h;
	int alias = 0;

	a->count = 0;
	(void)start(&r, a);
	for (unsigned i = get16(a->msg + 6); i > 0; i--) {
		(void)take_record(&r, &h);
		if (h.class != CLASS_IN || strcasecmp(h.owner, a->owner) != 0)
			continue;
		if (h.type == a->type && a->count < LIMIT_DNSRECORDS)
			a->record[a->count++] = h.data;
		else if (h.type == DNS_CNAME && a->type != DNS_CNAME) {
			if (name_of(a, &h.data, 0, target) == -1)
				return -1;
			alias = 1;
		}
	}
	return alias && a->count == 0;
}

static int follow(struct dns_answer *a)
{
	char target[LIMIT_DOMAIN + 1];

	for (int links = 0;; links++) {
		int r = collect(a, target);

		if (r != 1)
			return r;
		if (links == LIMIT_CNAMES) {
			errno = ELOOP;
			return -1;
		}
		memcpy(a->owner, target, sizeof target);
		a->alias = 1;
	}
}

static int set_owner(struct dns_answer *a, const char *name)
{
	size_t n = strlen(name);

	if (n > 0 && name[n - 1] == '.')
		n--;
	if (n > LIMIT_DOMAIN)
		return bad();
	memcpy(a->owner, name, n);
	a->owner[n] = '\0';
	return 0;
}

int dnsmsg_read(struct dns_answer *a, const char *name, uint16_t type, int *rcode)
{
	*rcode = 0;
	a->nxdomain = a->ad = a->alias = 0;
	a->count = 0;
	a->type = type;
	if (a->len < HEAD || set_owner(a, name) == -1)
		return bad();
	if (a->msg[2] & FLAG_TC) {
		errno = EMSGSIZE;
		return -1;
	}
	if (check_all(a, rcode) == -1)
		return -1;
	if (*rcode != 0 && *rcode != NXDOMAIN) {
		errno = EPROTO;
		return -1;
	}
	a->ad = (a->msg[3] & FLAG_AD) != 0;
	if (follow(a) == -1)
		return -1;
	if (a->count > 0)
		return 1;
	/* A referral of a server that does not recurse says nothing about the name. */
	if ((a->msg[2] & FLAG_AA) == 0 && (a->msg[3] & FLAG_RA) == 0) {
		errno = EPROTO;
		return -1;
	}
	a->nxdomain = *rcode == NXDOMAIN;
	return 0;
}

/* ---- records ---- */

const uint8_t *dns_data(const struct dns_answer *a, size_t i, size_t *len)
{
	*len = a->record[i].len;
	return a->msg + a->record[i].offset;
}

static int host_name(const struct dns_answer *a, size_t i, size_t skip,
		     char name[LIMIT_DOMAIN + 1])
{
	if (name_of(a, &a->record[i], skip, name) == -1)
		return -1;
	return strchr(name, '\\') != NULL ? bad() : 0;
}

int dns_mx(const struct dns_answer *a, size_t i, uint16_t *pref,
	   char name[LIMIT_DOMAIN + 1])
{
	size_t len;
	const uint8_t *p = dns_data(a, i, &len);

	if (a->type != DNS_MX || host_name(a, i, 2, name) == -1)
		return bad();
	*pref = (uint16_t)get16(p);
	return 0;
}

int dns_name(const struct dns_answer *a, size_t i, char name[LIMIT_DOMAIN + 1])
{
	return host_name(a, i, 0, name);
}

int dns_addr(const struct dns_answer *a, size_t i, uint8_t ip[16])
{
	size_t len;
	const uint8_t *p = dns_data(a, i, &len);

	if (len != (a->type == DNS_A ? 4 : 16) ||
	    (a->type != DNS_A && a->type != DNS_AAAA))
		return bad();
	memcpy(ip, p, len);
	return 0;
}

int dns_tlsa(const struct dns_answer *a, size_t i, struct dns_tlsa *t)
{
	size_t len;
	const uint8_t *p = dns_data(a, i, &len);

	if (a->type != DNS_TLSA || len < 3)
		return bad();
	*t = (struct dns_tlsa){p[0], p[1], p[2], p + 3, len - 3};
	return 0;
}

int dns_tlsa_is_usable(const struct dns_tlsa *t)
{
	static const size_t len[] = {0, 32, 64}; /* whole, SHA-256, SHA-512 */

	return (t->usage == 2 || t->usage == 3) && t->selector <= 1 && t->mtype <= 2 &&
	       (t->mtype == 0 ? t->len > 0 : t->len == len[t->mtype]);
}

int dns_txt(const struct dns_answer *a, size_t i, char *out, size_t size, size_t *len)
{
	size_t left;
	const uint8_t *p = dns_data(a, i, &left);

	for (*len = 0; left > 0;) {
		size_t n = *p;

		if (n + 1 > left)
			return bad();
		if (n > size - *len) {
			errno = EMSGSIZE;
			return -1;
		}
		memcpy(out + *len, p + 1, n);
		*len += n;
		p += 1 + n;
		left -= 1 + n;
	}
	return 0;
}
