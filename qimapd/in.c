#include "in.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "clock.h"
#include "io.h"
#include "sbuf.h"

enum { KEPT = 4096 };

static struct sbuf held = SBUF_INIT(IN_COMMAND);

static enum in_what lost(void)
{
	return errno == ETIMEDOUT ? IN_LATE : IN_END;
}

static enum in_what cut(struct in *c, const char *why)
{
	c->why = why;
	return IN_CUT;
}

static void wrong(struct in *c, const char *code, const char *why)
{
	if (c->why != NULL)
		return;
	c->code = code;
	c->why = why;
}

/* tag = 1*<any ASTRING-CHAR except "+"> */
static int is_tag_char(char c)
{
	return c > ' ' && c < 0x7f && strchr("(){%*\"\\+", c) == NULL;
}

static void find_tag(struct in *c, const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && i < IN_TAG && is_tag_char(p[i]))
		i++;
	if (i == 0 || (i < n && p[i] != ' ')) {
		memcpy(c->tag, "*", 2);
		wrong(c, "", "A command begins with a tag.");
		return;
	}
	memcpy(c->tag, p, i);
	c->tag[i] = '\0';
}

static int has_control(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < ' ' || p[i] == 0x7f)
			return 1;
	return 0;
}

/* "{N}" or "~{N+}" at the end of a line: 1. A number that is too large is UINT64_MAX. */
static int literal_at_end(struct in_literal *l, const char *p, size_t n)
{
	size_t i = n;
	uint64_t unit = 1;

	*l = (struct in_literal){0};
	if (i == 0 || p[--i] != '}')
		return 0;
	if (i > 0 && p[i - 1] == '+') {
		l->plus = 1;
		i--;
	}
	for (size_t end = i; i > 0 && p[i - 1] >= '0' && p[i - 1] <= '9'; i--) {
		unsigned digit = (unsigned)(p[i - 1] - '0');

		if (end - i < 18)
			l->n += digit * unit;
		else if (digit > 0)
			l->n = UINT64_MAX - 1000000000000000000U;
		unit *= 10;
	}
	if (i == 0 || p[i - 1] != '{' || p[i] < '0' || p[i] > '9')
		return 0;
	l->binary = i > 1 && p[i - 2] == '~';
	return 1;
}

/* Is the literal at the end a message? The folder's name may be one, too. */
static int is_message(struct in *c)
{
	const char *blank = memchr(held.p, ' ', held.len);

	if (c->is_append || blank == NULL)
		return c->is_append;
	if (held.len - (size_t)(blank - held.p) < 9 ||
	    strncasecmp(blank, " APPEND ", 8) != 0 ||
	    (c->literals == 0 && blank[8] == '{'))
		return 0;
	c->is_append = 1;
	return 1;
}

static enum in_what read_past(uint64_t n, int64_t deadline)
{
	const char *p;
	size_t got;

	for (; n > 0; n -= got) {
		int r = io_some(n < IO_IN ? (size_t)n : IO_IN, &p, &got, deadline);

		if (r <= 0)
			return r == 0 ? IN_END : lost();
	}
	return IN_WHOLE;
}

/* The literal's bytes, behind its head. */
static enum in_what gather(uint64_t n, int64_t deadline)
{
	const char *p;
	size_t got;

	for (; n > 0; n -= got) {
		int r = io_some((size_t)n, &p, &got, deadline);

		if (r <= 0)
			return r == 0 ? IN_END : lost();
		if (sbuf_cat(&held, p, got) == -1)
			return IN_CUT;
	}
	return IN_WHOLE;
}

/* One that is refused is not invited, and the command ends there; or it is read past. */
static enum in_what pass(struct in *c, int64_t deadline)
{
	if (!c->literal.plus)
		return IN_WRONG;
	if (c->literal.n > IN_PAST)
		return cut(c, "That literal is too large.");
	return read_past(c->literal.n, deadline);
}

static void judge_literal(struct in *c)
{
	if (c->literal.n > IN_COMMAND - held.len)
		wrong(c, "TOOBIG", "That literal is too large.");
	else if (c->literal.plus && c->literal.n > IN_PLUS)
		wrong(c, "TOOBIG", "{N+} may have 4096 bytes (LITERAL-).");
}

static enum in_what take_literal(struct in *c, int64_t deadline)
{
	enum in_what r;

	if (!c->literal.plus) {
		io_puts("+ OK\r\n");
		io_flush();
	}
	r = gather(c->literal.n, deadline);
	return r == IN_CUT ? cut(c, "There is no memory.") : r;
}

static enum in_what one_line(struct in *c, const char **p, size_t *n, int64_t deadline)
{
	int r = io_line(IN_LINE, p, n, deadline);

	if (r == 0)
		return IN_END;
	if (r == -1)
		return errno == EMSGSIZE ? cut(c, "A line is too long.") : lost();
	if (has_control(*p, *n))
		wrong(c, "", "A command has no control characters.");
	return IN_WHOLE;
}

static void hold(struct in *c, const char *p, size_t n, int has_literal)
{
	if (sbuf_cat(&held, p, n) == -1 ||
	    (has_literal && sbuf_cats(&held, "\r\n") == -1))
		wrong(c, "TOOBIG", "The command is too large.");
}

/* Lines and literals up to the command's end, or to a message. */
static enum in_what read_on(struct in *c)
{
	int64_t deadline = clock_mono_ms() + IN_IDLE;

	for (;; c->literals++) {
		const char *p;
		size_t n;
		int more;
		enum in_what r = one_line(c, &p, &n, deadline);

		if (r != IN_WHOLE)
			return r;
		if (c->tag[0] == '\0')
			find_tag(c, p, n);
		more = literal_at_end(&c->literal, p, n);
		if (c->why == NULL)
			hold(c, p, n, more);
		c->p = held.p;
		c->n = held.len;
		if (!more)
			return c->why == NULL ? IN_WHOLE : IN_WRONG;
		if (c->why == NULL && is_message(c))
			return IN_MESSAGE;
		if (c->why == NULL)
			judge_literal(c);
		r = c->why == NULL ? take_literal(c, deadline) : pass(c, deadline);
		if (r != IN_WHOLE)
			return r;
	}
}

enum in_what in_command(struct in *c)
{
	*c = (struct in){.code = ""};
	sbuf_clear(&held);
	return read_on(c);
}

void in_invite(const struct in *c)
{
	if (c->literal.plus)
		return;
	io_puts("+ OK\r\n");
	io_flush();
}

enum in_what in_more(struct in *c)
{
	sbuf_clear(&held);
	return read_on(c);
}

enum in_what in_refuse(struct in *c)
{
	enum in_what r = pass(c, clock_mono_ms() + IN_IDLE);

	wrong(c, "", "refused");
	return r == IN_WHOLE ? read_on(c) : r;
}

enum in_what in_refuse_rest(struct in *c, uint64_t left)
{
	enum in_what r = read_past(left, in_deadline(left));

	wrong(c, "", "refused");
	return r == IN_WHOLE ? read_on(c) : r;
}

int64_t in_deadline(uint64_t n)
{
	return clock_mono_ms() + IO_STALL + (int64_t)(n < INT32_MAX ? n : INT32_MAX);
}

void in_rest(void)
{
	if (held.cap > KEPT)
		sbuf_free(&held);
}
