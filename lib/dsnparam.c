#include "dsnparam.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "qfile.h"

enum { TYPE_MAX = 40 }; /* rfc822, utf-8, x400; an atom has no limit of its own */

static int invalid(void)
{
	errno = EINVAL;
	return -1;
}

/* ---- NOTIFY and RET ---- */

static const struct {
	const char *word;
	unsigned bit;
} notifies[] = {{"NEVER", NOTIFY_NEVER},
		{"SUCCESS", NOTIFY_SUCCESS},
		{"FAILURE", NOTIFY_FAILURE},
		{"DELAY", NOTIFY_DELAY}};
enum { NOTIFIES = sizeof notifies / sizeof *notifies };

static unsigned notify_bit(const char *word, size_t n)
{
	for (int i = 0; i < NOTIFIES; i++)
		if (strlen(notifies[i].word) == n &&
		    strncasecmp(notifies[i].word, word, n) == 0)
			return notifies[i].bit;
	return 0;
}

int dsn_notify(const char *value, unsigned *notify)
{
	unsigned all = 0;

	for (;;) {
		size_t n = strcspn(value, ",");
		unsigned bit = notify_bit(value, n);

		if (bit == 0 || (all & bit) || (all & NOTIFY_NEVER) ||
		    (bit == NOTIFY_NEVER && all != 0))
			return invalid();
		all |= bit;
		if (value[n] == '\0')
			break;
		value += n + 1;
	}
	*notify = all;
	return 0;
}

const char *dsn_notify_words(unsigned notify, char out[DSN_NOTIFY_SIZE])
{
	size_t at = 0;

	out[0] = '\0';
	for (int i = 0; i < NOTIFIES; i++)
		if (notify & notifies[i].bit)
			at += (size_t)snprintf(out + at, DSN_NOTIFY_SIZE - at, "%s%s",
					       at > 0 ? "," : "", notifies[i].word);
	return out;
}

int dsn_ret(const char *value, char *ret)
{
	if (strcasecmp(value, "FULL") == 0)
		*ret = 'F';
	else if (strcasecmp(value, "HDRS") == 0)
		*ret = 'H';
	else
		return invalid();
	return 0;
}

/* ---- xtext ---- */

static int is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

static int is_xchar(char c)
{
	return c > ' ' && c <= '~' && c != '+' && c != '=';
}

int xtext_encode(char *out, size_t size, const char *s)
{
	size_t at = 0;

	for (; *s != '\0'; s++) {
		if (!is_printable(*s) || size - at < sizeof "+20")
			return invalid();
		if (is_xchar(*s))
			out[at++] = *s;
		else
			at +=
			    (size_t)snprintf(out + at, size - at, "+%02X", (unsigned)*s);
	}
	out[at] = '\0';
	return 0;
}

/* Upper case alone, says the RFC. */
static int hex(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* One character at *x, which moves on: the character, or -1. */
static int take(const char **x)
{
	const char *p = *x;
	int value;

	*x = p + 1;
	if (is_xchar(*p))
		return *p;
	if (*p != '+' || hex(p[1]) == -1 || hex(p[2]) == -1)
		return -1;
	*x = p + 3;
	value = 16 * hex(p[1]) + hex(p[2]);
	return value < 0x80 && is_printable((char)value) ? value : -1;
}

int xtext_decode(char *out, size_t size, const char *x)
{
	size_t at = 0;

	while (*x != '\0') {
		int c = take(&x);

		if (c == -1 || at + 1 >= size)
			return invalid();
		out[at++] = (char)c;
	}
	out[at] = '\0';
	return 0;
}

/* ---- ENVID and ORCPT ---- */

int dsn_envid(const char *value)
{
	char plain[LIMIT_ENVID + 1];

	if (*value == '\0' || strlen(value) > LIMIT_ENVID)
		return invalid();
	return xtext_decode(plain, sizeof plain, value);
}

/* addr-type is an atom, of which registered ones (RFC 3461 10.1) have these. */
static int is_type(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return 0;
	return n > 0 && n <= TYPE_MAX;
}

int dsn_orcpt(const char *value)
{
	char plain[LIMIT_ORCPT + 1];
	size_t n = strcspn(value, ";");

	if (strlen(value) > LIMIT_ORCPT || !is_type(value, n) || value[n] == '\0' ||
	    value[n + 1] == '\0')
		return invalid();
	return xtext_decode(plain, sizeof plain, value + n + 1);
}

int dsn_orcpt_of(const char *address, char out[LIMIT_ORCPT + 1])
{
	static const char type[] = "rfc822;";

	memcpy(out, type, sizeof type);
	return xtext_encode(out + sizeof type - 1, LIMIT_ORCPT + 1 - (sizeof type - 1),
			    address);
}
