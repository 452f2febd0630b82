#include "settings.h"

#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "maildir/quota.h"
#include "sbuf.h"

static int is_maildir_line(const char *s)
{
	size_t n = strlen(s);

	return n > 2 && s[0] == '.' && s[1] == '/' && s[n - 1] == '/' &&
	       strchr(s, '\n') == NULL;
}

void settings_free(struct settings *s)
{
	free(s->delivery);
	s->delivery = NULL;
}

int settings_delivery(struct settings *s, const char *text)
{
	settings_free(s);
	s->delivery = strdup(text);
	if (s->delivery == NULL)
		return -1;
	s->is_maildir = is_maildir_line(text);
	return 0;
}

static int join(struct sbuf *b, const struct control_item *list)
{
	for (const struct control_item *i = list; i->text != NULL; i++)
		if ((i != list && sbuf_catc(b, '\n') == -1) ||
		    sbuf_cats(b, i->text) == -1)
			return -1;
	return sbuf_str(b) != NULL ? 0 : -1;
}

static int read_delivery(struct settings *s)
{
	struct sbuf b = SBUF_INIT(LIMIT_CONTROL);
	struct control_item *list;
	int r = control_list("defaultdelivery", &list);

	if (r == -1)
		return -1;
	if (r == 0)
		r = settings_delivery(s, "./Maildir/");
	else if ((r = join(&b, list)) == 0)
		r = settings_delivery(s, b.p);
	control_free_list(list);
	sbuf_free(&b);
	return r;
}

static int read_overquota(struct settings *s)
{
	int r = quota_when_full();

	s->full_is_final = r == QUOTA_NEVER;
	return r == -1 ? -1 : 0;
}

int settings_read(struct settings *s)
{
	uint64_t seconds = PROGRAM_SECONDS;

	s->delivery = NULL;
	if (read_delivery(s) == -1 || read_overquota(s) == -1 ||
	    control_num("programtimeout", PROGRAM_SECONDS_MAX, &seconds) == -1)
		return -1;
	s->program_seconds = (unsigned)seconds;
	return 0;
}
