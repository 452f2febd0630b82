#include "out.h"

#include <string.h>
#include <strings.h>

#include "io.h"
#include "maildir/utf7.h"
#include "messages.h"
#include "session.h"
#include "utf8.h"

enum { QUOTED = 1000 }; /* bytes; what is longer goes as a literal */

static int takes_utf8(void)
{
	return (session.on & (ON_UTF8 | ON_REV2)) != 0;
}

/* Printable ASCII, or UTF-8 without control characters for who takes it. */
static int may_quote(const char *p, size_t n)
{
	int high = 0;

	if (n > QUOTED)
		return 0;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c < ' ' || c == 0x7f)
			return 0;
		high |= c & 0x80;
	}
	return !high || (takes_utf8() && utf8_is_valid(p, n));
}

void out_literal_head(uint64_t n, int binary)
{
	io_puts(binary ? "~{" : "{");
	io_number(n);
	io_puts("}\r\n");
}

static void quoted(const char *p, size_t n)
{
	io_putc('"');
	for (size_t i = 0; i < n; i++) {
		if (p[i] == '"' || p[i] == '\\')
			io_putc('\\');
		io_putc(p[i]);
	}
	io_putc('"');
}

void out_string(const char *p, size_t n)
{
	if (may_quote(p, n)) {
		quoted(p, n);
		return;
	}
	out_literal_head(n, 0);
	io_put(p, n);
}

void out_astring(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && p[i] > ' ' && p[i] < 0x7f && strchr("(){%*\"\\", p[i]) == NULL)
		i++;
	if (i < n || n == 0 || (n == 3 && strncasecmp(p, "NIL", 3) == 0))
		out_string(p, n);
	else
		io_put(p, n);
}

void out_mailbox(const char *name)
{
	char utf7[4 * FOLDER_NAME];

	if (takes_utf8() || utf7_from_utf8(utf7, sizeof utf7, name, strlen(name)) == -1)
		out_astring(name, strlen(name));
	else
		out_astring(utf7, strlen(utf7));
}

/* ---- flags ---- */

static const struct {
	unsigned bit;
	const char *name;
} names[] = {{MSG_ANSWERED, "\\Answered"}, {MSG_FLAGGED, "\\Flagged"},
	     {MSG_DELETED, "\\Deleted"},   {MSG_SEEN, "\\Seen"},
	     {MSG_DRAFT, "\\Draft"},       {MSG_PASSED, "$Forwarded"}};

/* One word of a list; at is the list's separator, which changes. */
static void word(const char **separator, const char *name)
{
	io_puts(*separator);
	io_puts(name);
	*separator = " ";
}

static void flags_and(const char *separator, unsigned flags, uint64_t keywords)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (flags & names[i].bit)
			word(&separator, names[i].name);
	for (unsigned i = 0; keywords != 0; i++, keywords >>= 1) {
		const char *k = keywords & 1 ? box_keyword(&session.box, i) : NULL;

		if (k != NULL)
			word(&separator, k);
	}
}

void out_flag_words(unsigned flags, uint64_t keywords)
{
	flags_and("", flags, keywords);
}

void out_flags(const struct msg *m)
{
	int recent = message_is_recent(m) && !(session.on & ON_REV2);

	io_puts(recent ? "(\\Recent" : "(");
	flags_and(recent ? " " : "", m->flags, m->keywords);
	io_putc(')');
}

size_t out_u32(char *p, uint32_t n)
{
	size_t len = 1;

	for (uint32_t rest = n; rest >= 10; rest /= 10)
		len++;
	for (size_t i = len; i-- > 0; n /= 10)
		p[i] = (char)('0' + n % 10);
	return len;
}
