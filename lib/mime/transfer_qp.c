#include "mime/transfer_int.h"

#include "mime/transfer.h"
#include "sbuf.h"

/* Where we are, in t->nbits: in text; behind "=", "=X" (X in t->bits), "= ", "=" CR. */
enum { TEXT, EQUALS, HEX, PADDING, RETURN };

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int flush(struct transfer *t, struct sbuf *out)
{
	size_t n = t->nkept;

	t->nkept = 0;
	return sbuf_cat(out, t->kept, n);
}

/* Blanks that end a line are none of the text (RFC 2045 6.7, rule 3); a CR is kept with them until the
 * LF comes. More than there is room for are text. */
static int keep(struct transfer *t, struct sbuf *out, char c)
{
	if (t->nkept == sizeof t->kept && flush(t, out) == -1)
		return -1;
	t->kept[t->nkept++] = c;
	return 0;
}

static int line_end(struct transfer *t, struct sbuf *out)
{
	int crlf = t->nkept > 0 && t->kept[t->nkept - 1] == '\r';

	t->nkept = 0;
	return crlf ? sbuf_cat(out, "\r\n", 2) : sbuf_catc(out, '\n');
}

/* No encoding after all: what was taken for one is text. */
static int undo(struct transfer *t, struct sbuf *out)
{
	char was[2] = {'=', (char)t->bits};
	size_t n = t->nbits == HEX ? 2 : 1;

	t->bad = 1;
	t->nbits = TEXT;
	return sbuf_cat(out, was, n) == -1 ? -1 : flush(t, out);
}

/* Behind an equals sign. 1: c is used up; 0: it is text; -1. */
static int encoded(struct transfer *t, struct sbuf *out, char c)
{
	if (t->nbits == HEX && hex(c) != -1) {
		t->nbits = TEXT;
		c = (char)(hex((char)t->bits) * 16 + hex(c));
		return sbuf_catc(out, c) == -1 ? -1 : 1;
	}
	if (t->nbits == EQUALS && hex(c) != -1) {
		t->nbits = HEX;
		t->bits = (unsigned char)c;
		return 1;
	}
	if (t->nbits != HEX && c == '\n') { /* rule 5: a soft line break */
		t->nbits = TEXT;
		t->nkept = 0;
		return 1;
	}
	if ((t->nbits == EQUALS || t->nbits == PADDING) && is_blank(c)) {
		t->nbits = c == '\r' ? RETURN : PADDING;
		return keep(t, out, c) == -1 ? -1 : 1;
	}
	return undo(t, out) == -1 ? -1 : 0;
}

static int text(struct transfer *t, struct sbuf *out, char c)
{
	if (c == '\n')
		return line_end(t, out);
	if (is_blank(c))
		return keep(t, out, c);
	if (flush(t, out) == -1)
		return -1;
	if (c != '=')
		return sbuf_catc(out, c);
	t->nbits = EQUALS;
	return 0;
}

/* Bytes that stand for themselves; blanks at their end may be the line's. */
static size_t plain(const char *p, size_t n)
{
	size_t i = 0;

	if (is_blank(*p))
		return 0;
	while (i < n && p[i] != '=' && p[i] != '\n')
		i++;
	while (i > 0 && is_blank(p[i - 1]))
		i--;
	return i;
}

int transfer_qp(struct transfer *t, struct sbuf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n;) {
		int r = t->nbits != TEXT ? encoded(t, out, p[i]) : 0;
		size_t run;

		if (r == -1)
			return -1;
		if (r == 1) {
			i++;
			continue;
		}
		run = plain(p + i, n - i);
		if (run == 0) {
			if (text(t, out, p[i++]) == -1)
				return -1;
		} else if (flush(t, out) == -1 || sbuf_cat(out, p + i, run) == -1) {
			return -1;
		}
		i += run;
	}
	return 0;
}

/* A body may end in the middle of a soft line break; blanks at its end are dropped. */
int transfer_qp_end(struct transfer *t, struct sbuf *out)
{
	t->nkept = 0;
	if (t->nbits != HEX)
		return 0;
	return undo(t, out);
}
