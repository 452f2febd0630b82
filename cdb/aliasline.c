#include "aliasline.h"

#include <string.h>

#include "addr.h"
#include "ascii.h"

static const char no_memory[] = "out of memory, or more targets than a table can hold";

struct in {
	const char *p;
	size_t n;
};

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(struct in *in)
{
	while (in->n > 0 && is_blank(*in->p)) {
		in->p++;
		in->n--;
	}
	while (in->n > 0 && is_blank(in->p[in->n - 1]))
		in->n--;
}

/* Bytes up to the first stop outside of quotes; -1 when a quote is not closed. */
static int take_until(struct in *in, char stop, struct in *out)
{
	int quoted = 0;
	size_t i;

	for (i = 0; i < in->n; i++) {
		if (in->p[i] == '"')
			quoted = !quoted;
		else if (quoted && in->p[i] == '\\' && i + 1 < in->n)
			i++;
		else if (!quoted && in->p[i] == stop)
			break;
	}
	if (quoted)
		return -1;
	out->p = in->p;
	out->n = i;
	in->p += i;
	in->n -= i;
	trim(out);
	return 0;
}

static int begins(const char *s, const char *with)
{
	while (*with != '\0' && *s == *with) {
		s++;
		with++;
	}
	return *with == '\0';
}

/* Is all of it one quoted string? */
static int is_quoted(const struct in *in)
{
	size_t i = 1;

	if (in->n < 2 || in->p[0] != '"')
		return 0;
	while (i < in->n && in->p[i] != '"')
		i += in->p[i] == '\\' ? 2 : 1;
	return i == in->n - 1;
}

static int unquote(const struct in *in, char *out, size_t size)
{
	size_t len = 0;

	for (size_t i = 1; i < in->n - 1; i++) {
		if (in->p[i] == '\\' && i + 1 < in->n - 1)
			i++;
		if (len + 1 >= size)
			return -1;
		out[len++] = in->p[i];
	}
	out[len] = '\0';
	return 0;
}

/* A target without its outer quotes, if what is inside is no address: "|cmd a", and
 * sendmail's |"cmd a". */
static int plain(const struct in *in, char *out, size_t size)
{
	if (is_quoted(in)) {
		if (unquote(in, out, size) == -1)
			return -1;
		if (*out != '\0' && strchr("|/:", *out) != NULL)
			return 0;
		if (begins(out, "error:"))
			return 0;
	}
	if (in->n > 1 && in->p[0] == '|') {
		struct in rest = {in->p + 1, in->n - 1};

		trim(&rest);
		if (is_quoted(&rest)) {
			*out = '|';
			return unquote(&rest, out + 1, size - 1);
		}
	}
	if (in->n >= size)
		return -1;
	memcpy(out, in->p, in->n);
	out[in->n] = '\0';
	return 0;
}

static int has_control(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return 1;
	return 0;
}

/* What a value holds besides ordinary targets. */
struct seen {
	size_t targets;
	size_t discards;
	size_t errors;
};

static const char *put(struct sbuf *value, char sign, const char *text)
{
	return sbuf_catc(value, sign) == -1 || sbuf_catz(value, text) == -1 ? no_memory
									    : NULL;
}

/* error:5.1.6 text (RFC 3463: class 5, then two numbers of one to three digits) */
static const char *take_error(const char *s, struct sbuf *value)
{
	const char *p = s;

	if (*p++ != '5')
		return "error: needs a status 5.x.y and a text (error:5.1.6 moved)";
	for (int i = 0; i < 2; i++) {
		size_t n;

		if (*p++ != '.')
			return "error: needs a status 5.x.y";
		n = strspn(p, "0123456789");
		if (n < 1 || n > 3)
			return "error: needs a status 5.x.y";
		p += n;
	}
	if (*p != ' ' || p[1] == '\0')
		return "error: needs a text behind the status";
	return put(value, '!', s);
}

static const char *take_address(const char *s, struct sbuf *value)
{
	char kept[LIMIT_ADDRESS + 1];

	if (*s == '\\')
		return "a backslash is not known here: an alias cannot deliver to the "
		       "user of its own name; let ~/.qmail say where copies go";
	if (*s == '&')
		s++;
	if (addr_parse(s, kept) == -1 ||
	    (addr_domain(kept) == NULL && strchr(kept, '/') != NULL))
		return "a target is no address, |command, /file, :include:/file or "
		       "error:";
	return put(value, '&', kept);
}

static const char *take_target(const struct in *in, struct seen *seen, struct sbuf *value)
{
	char s[LIMIT_CONTROLLINE] = "";

	if (plain(in, s, sizeof s) == -1)
		return "a target is too long";
	if (has_control(s))
		return "a control character in a target";
	seen->targets++;
	if (strcmp(s, "/dev/null") == 0) {
		seen->discards++;
		return NULL;
	}
	if (s[0] == '|')
		return s[1] == '\0' ? "no command behind |" : put(value, '|', s + 1);
	if (s[0] == '/')
		return put(value, '/', s + 1);
	if (begins(s, ":include:"))
		return s[9] != '/' ? ":include: needs an absolute path"
				   : put(value, '<', s + 9);
	if (begins(s, "error:")) {
		seen->errors++;
		return take_error(s + 6, value);
	}
	return take_address(s, value);
}

static const char *take_name(struct in *in, char name[LIMIT_ADDRESS + 1])
{
	struct in part;
	char text[2 * LIMIT_ADDRESS];

	if (take_until(in, ':', &part) == -1)
		return "a quote is not closed";
	if (in->n == 0)
		return "there is no colon behind the name";
	in->p++;
	in->n--;
	if (part.n == 0 || part.n >= sizeof text)
		return "the name is empty or too long";
	memcpy(text, part.p, part.n);
	text[part.n] = '\0';
	if (memchr(part.p, '\0', part.n) != NULL || addr_parse(text, name) == -1)
		return "the name is not a local part";
	if (addr_domain(name) != NULL)
		return "the name has a domain; here stand local parts (for a virtual "
		       "domain "
		       "PREPEND-name)";
	ascii_copy_lower(name, name, strlen(name));
	return NULL;
}

const char *aliasline_parse(const char *p, size_t n, char name[LIMIT_ADDRESS + 1],
			    struct sbuf *value)
{
	struct in in = {p, n};
	struct seen seen = {0, 0, 0};
	const char *why = take_name(&in, name);

	while (why == NULL && in.n > 0) {
		struct in part;

		if (take_until(&in, ',', &part) == -1)
			return "a quote is not closed";
		if (in.n > 0) {
			in.p++;
			in.n--;
		}
		if (part.n > 0)
			why = take_target(&part, &seen, value);
	}
	if (why != NULL)
		return why;
	if (seen.targets == 0)
		return "there is no target";
	if (seen.errors > 0 && seen.targets > 1)
		return "error: must be the only target";
	if (seen.discards == seen.targets)
		return put(value, '-', "");
	return NULL;
}
