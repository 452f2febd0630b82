#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "ascii.h"

enum { LABEL_MAX = 63, LITERAL_MAX = 64 };

/* What is left to read, and what was kept so far. */
struct in {
	const char *p;
	size_t n;
};

struct out {
	char *p;
	size_t len;
};

static int fail(int e)
{
	errno = e;
	return -1;
}

static int is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static int is_alnum(unsigned char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 5321 4.1.2 atext, and 8-bit bytes (RFC 6531 3.3). */
static int is_atext(unsigned char c)
{
	return is_alnum(c) || c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static int is_name_char(unsigned char c)
{
	return is_alnum(c) || c == '-' || c == '_' || c >= 0x80;
}

static int next_is(const struct in *in, char c)
{
	return in->n > 0 && *in->p == c;
}

static void skip(struct in *in, size_t n)
{
	in->p += n;
	in->n -= n;
}

static int take_char(struct in *in, char c)
{
	if (!next_is(in, c))
		return fail(EINVAL);
	skip(in, 1);
	return 0;
}

static int keep(struct out *out, const char *p, size_t n)
{
	if (n > LIMIT_ADDRESS - out->len)
		return fail(EMSGSIZE);
	memcpy(out->p + out->len, p, n);
	out->len += n;
	return 0;
}

/* Dots may stand anywhere: phones of a whole country have them at the end. */
static int take_atoms(struct in *in, struct out *out)
{
	size_t n = 0;

	while (n < in->n && (is_atext((unsigned char)in->p[n]) || in->p[n] == '.'))
		n++;
	if (n == 0)
		return fail(EINVAL);
	if (n > LIMIT_LOCAL)
		return fail(EMSGSIZE);
	if (keep(out, in->p, n) == -1)
		return -1;
	skip(in, n);
	return 0;
}

/* RFC 5321 4.1.2 Quoted-string; an empty one names nobody. */
static int take_quoted(struct in *in, struct out *out)
{
	size_t start = out->len;

	skip(in, 1);
	while (in->n > 0 && *in->p != '"') {
		if (*in->p == '\\')
			skip(in, 1);
		if (in->n == 0 || (unsigned char)*in->p < 0x20 || *in->p == 0x7f)
			return fail(EINVAL);
		if (out->len - start >= LIMIT_LOCAL)
			return fail(EMSGSIZE);
		if (keep(out, in->p, 1) == -1)
			return -1;
		skip(in, 1);
	}
	if (out->len == start)
		return fail(EINVAL);
	return take_char(in, '"');
}

static int take_local(struct in *in, struct out *out)
{
	return next_is(in, '"') ? take_quoted(in, out) : take_atoms(in, out);
}

/* One label, without a hyphen at either end (RFC 1123 2.1). */
static int take_label(struct in *in)
{
	size_t n = 0;

	while (n < in->n && is_name_char((unsigned char)in->p[n]))
		n++;
	if (n == 0 || in->p[0] == '-' || in->p[n - 1] == '-')
		return fail(EINVAL);
	if (n > LABEL_MAX)
		return fail(EMSGSIZE);
	skip(in, n);
	return 0;
}

/* Labels; the length without the final dot goes to *len. */
static int take_name(struct in *in, size_t *len)
{
	const char *start = in->p;

	do {
		if (take_label(in) == -1)
			return -1;
		*len = (size_t)(in->p - start);
		if (!next_is(in, '.'))
			break;
		skip(in, 1);
	} while (in->n > 0 && is_name_char((unsigned char)*in->p));
	return *len > LIMIT_DOMAIN ? fail(EMSGSIZE) : 0;
}

static int take_literal(struct in *in, size_t *len)
{
	const char *end = memchr(in->p, ']', in->n);
	char text[LITERAL_MAX];
	unsigned char ip[16];
	int family;

	if (end == NULL || (*len = (size_t)(end - in->p) + 1) >= sizeof text)
		return fail(EINVAL);
	memcpy(text, in->p, *len);
	text[*len] = '\0';
	if (strlen(text) != *len || addr_literal(text, &family, ip) == -1)
		return fail(EINVAL);
	skip(in, *len);
	return 0;
}

static int take_domain(struct in *in, struct out *out)
{
	const char *start = in->p;
	size_t len;

	if ((next_is(in, '[') ? take_literal(in, &len) : take_name(in, &len)) == -1)
		return -1;
	return out != NULL ? keep(out, start, len) : 0;
}

/* local ["@" domain]; without a domain an @ in the local part would become one. */
static int take_mailbox(struct in *in, struct out *out)
{
	if (take_local(in, out) == -1)
		return -1;
	if (!next_is(in, '@'))
		return memchr(out->p, '@', out->len) != NULL ? fail(EINVAL) : 0;
	skip(in, 1);
	return keep(out, "@", 1) == -1 ? -1 : take_domain(in, out);
}

/* "@a,@b:" (RFC 5321 4.1.2 A-d-l, appendix C: to be ignored) */
static int take_route(struct in *in)
{
	for (;;) {
		if (take_char(in, '@') == -1 || take_domain(in, NULL) == -1)
			return -1;
		if (!next_is(in, ','))
			return take_char(in, ':');
		skip(in, 1);
	}
}

int addr_parse_path(const char *p, size_t n, char kept[LIMIT_ADDRESS + 1], size_t *used,
		    int *routed)
{
	struct in in = {p, n};
	struct out out = {kept, 0};
	int route;

	if (take_char(&in, '<') == -1)
		return -1;
	route = next_is(&in, '@');
	if (route && take_route(&in) == -1)
		return -1;
	if ((route || !next_is(&in, '>')) && take_mailbox(&in, &out) == -1)
		return -1;
	if (take_char(&in, '>') == -1)
		return -1;
	kept[out.len] = '\0';
	*used = n - in.n;
	if (routed != NULL)
		*routed = route;
	return 0;
}

int addr_parse(const char *s, char kept[LIMIT_ADDRESS + 1])
{
	struct in in = {s, strlen(s)};
	struct out out = {kept, 0};

	if (take_mailbox(&in, &out) == -1)
		return -1;
	if (in.n > 0)
		return fail(EINVAL);
	kept[out.len] = '\0';
	return 0;
}

const char *addr_domain(const char *kept)
{
	const char *at = strrchr(kept, '@');

	return at != NULL ? at + 1 : NULL;
}

/* RFC 5321 4.1.2 Dot-string */
static int is_dot_string(const char *p, size_t n)
{
	if (n == 0 || p[0] == '.' || p[n - 1] == '.')
		return 0;
	for (size_t i = 0; i < n; i++)
		if (p[i] == '.' ? p[i + 1] == '.' : !is_atext((unsigned char)p[i]))
			return 0;
	return 1;
}

static size_t quote(char *out, const char *p, size_t n)
{
	size_t len = 0;

	out[len++] = '"';
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			out[len++] = '\\';
		out[len++] = p[i];
	}
	out[len++] = '"';
	return len;
}

int addr_quote(const char *kept, char *out, size_t size)
{
	const char *domain = addr_domain(kept);
	size_t total = strlen(kept);
	size_t n = domain != NULL ? (size_t)(domain - kept) - 1 : total;
	size_t len = 0;

	if (total > LIMIT_ADDRESS || size < 2 * n + 2 + (total - n) + 1)
		return fail(EMSGSIZE);
	if (total == 0 || is_dot_string(kept, n)) {
		memcpy(out, kept, total + 1);
		return 0;
	}
	len = quote(out, kept, n);
	memcpy(out + len, kept + n, total - n + 1);
	return 0;
}

static size_t length_without_dot(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && s[n - 1] == '.' ? n - 1 : n;
}

int domain_equal(const char *a, const char *b)
{
	size_t n = length_without_dot(a);

	if (n != length_without_dot(b))
		return 0;
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(a[i]) != ascii_lower(b[i]))
			return 0;
	return 1;
}

int addr_is_role(const char *kept)
{
	size_t n = strcspn(kept, "@");

	return (n == 10 && strncasecmp(kept, "postmaster", n) == 0) ||
	       (n == 5 && strncasecmp(kept, "abuse", n) == 0);
}

int addr_literal(const char *domain, int *family, unsigned char ip[16])
{
	char text[LITERAL_MAX];
	size_t n = strlen(domain);
	const char *digits = text;

	if (n < 3 || n - 2 >= sizeof text || domain[0] != '[' || domain[n - 1] != ']')
		return fail(EINVAL);
	memcpy(text, domain + 1, n - 2);
	text[n - 2] = '\0';
	*family = AF_INET;
	if (strncasecmp(text, "IPv6:", 5) == 0) {
		*family = AF_INET6;
		digits += 5;
	}
	return inet_pton(*family, digits, ip) == 1 ? 0 : fail(EINVAL);
}
