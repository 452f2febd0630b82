#include "author.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

#include "addr.h"
#include "clock.h"
#include "complete.h"
#include "date822.h"
#include "fail.h"
#include "hosts.h"
#include "qid.h"
#include "rnd.h"
#include "who.h"

static int memory(int r)
{
	return r == -1 ? fail_sys(FAIL_MEMORY, "complete the header") : 0;
}

int author_date(struct sbuf *out, const char *prefix)
{
	char date[DATE822_SIZE];

	date822(date, time(NULL));
	return memory(sbuf_catf(out, "%sDate: %s\n", prefix, date));
}

int author_message_id(struct sbuf *out, const char *prefix)
{
	const char *host = host_name(IDHOST);
	char id[QID_LEN + 1];

	if (host == NULL)
		return -1;
	qid_make(id, clock_wall_ns(), rnd_u32());
	return memory(sbuf_catf(out, "%sMessage-ID: <%s@%s>\n", prefix, id, host));
}

/* RFC 5322 3.2.5: a phrase of atoms, else a quoted string. */
static int is_phrase(const char *s)
{
	for (; *s != '\0'; s++)
		if (strchr("()<>[]:;@\\,.\"", *s) != NULL)
			return 0;
	return 1;
}

static int put_escaped(struct sbuf *out, const char *s, const char *special)
{
	for (; *s != '\0'; s++)
		if ((strchr(special, *s) != NULL && sbuf_catc(out, '\\') == -1) ||
		    sbuf_catc(out, *s) == -1)
			return -1;
	return 0;
}

static int put_name(struct sbuf *out, const char *name)
{
	if (is_phrase(name))
		return sbuf_cats(out, name);
	if (sbuf_catc(out, '"') == -1 || put_escaped(out, name, "\"\\") == -1)
		return -1;
	return sbuf_catc(out, '"');
}

static int put_author(struct sbuf *out, const char *address, const char *name,
		      int comment)
{
	if (name == NULL)
		return sbuf_catf(out, "%s\n", address);
	if (comment) {
		if (sbuf_catf(out, "%s (", address) == -1 ||
		    put_escaped(out, name, "()\\") == -1)
			return -1;
		return sbuf_cats(out, ")\n");
	}
	return put_name(out, name) == -1 ? -1 : sbuf_catf(out, " <%s>\n", address);
}

int author_from(struct sbuf *out, const char *prefix, const struct wish *w)
{
	char kept[LIMIT_ADDRESS + 1];
	char address[2 * LIMIT_ADDRESS];
	const char *name = w->name;

	if (name == NULL && who_name(&name) == -1)
		return -1;
	/* A null sender is nobody's address. */
	if ((w->flags & WISH_AUTHOR_FROM_SENDER) && w->sender != NULL &&
	    w->sender[0] != '\0')
		memcpy(kept, w->sender, strlen(w->sender) + 1);
	else if (who_author(kept) == -1)
		return -1;
	if (addr_quote(kept, address, sizeof address) == -1)
		return fail_sys(FAIL_LONG, "write the author");
	if (memory(sbuf_catf(out, "%sFrom: ", prefix)) == -1)
		return -1;
	return memory(
	    put_author(out, address, name, (w->flags & WISH_COMMENT_STYLE) != 0));
}
