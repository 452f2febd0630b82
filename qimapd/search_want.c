#include "search_want.h"

#include <string.h>

#include "io.h"
#include "out.h"

static const struct {
	const char *name;
	unsigned bit;
} options[] = {{"MIN", WANT_MIN},
	       {"MAX", WANT_MAX},
	       {"ALL", WANT_ALL},
	       {"COUNT", WANT_COUNT},
	       {"SAVE", WANT_SAVE}};

static int read_option(struct words *w, unsigned *bits)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (take_word(w, options[i].name) == 0) {
			*bits |= options[i].bit;
			return 0;
		}
	return -1;
}

static int read_options(struct words *w, unsigned *bits)
{
	if (take_char(w, ')') == 0) {
		*bits = WANT_ALL;
		return 0;
	}
	do {
		if (read_option(w, bits) == -1)
			return -1;
	} while (take_space(w) == 0);
	return take_char(w, ')');
}

int search_want_read(struct search_want *want, struct words *w)
{
	*want = (struct search_want){.bits = session.on & ON_REV2 ? WANT_ALL : 0};
	if (take_space(w) == -1)
		return -1;
	if (take_word(w, "RETURN") == -1)
		return 0;
	want->bits = 0;
	want->has_return = 1;
	if (take_space(w) == -1 || take_char(w, '(') == -1 ||
	    read_options(w, &want->bits) == -1)
		return -1;
	return take_space(w);
}

void search_head(const struct command *c)
{
	io_puts("* ESEARCH (TAG ");
	out_string(c->tag, strlen(c->tag));
	io_puts(c->uid ? ") UID" : ")");
}
