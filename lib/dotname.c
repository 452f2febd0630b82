#include "dotname.h"

#include <stdio.h>
#include <string.h>

#include "ascii.h"

enum { WHOLE = -1, NO_MORE = -2 };

void dotname_init(struct dotname *d, const char *home, const char *dash, const char *ext)
{
	size_t i;

	for (i = 0; i < LIMIT_ADDRESS && ext[i] != '\0'; i++)
		d->ext[i] = ext[i] == '.' ? ':' : ascii_lower(ext[i]);
	d->ext[i] = '\0';
	d->home = home;
	d->dash = dash;
	d->next = strchr(ext, '/') != NULL ? NO_MORE : WHOLE;
}

static void set_path(struct dotname *d, long n, const char *tail)
{
	(void)snprintf(d->path, sizeof d->path, "%s/.qmail%s%.*s%s", d->home, d->dash,
		       (int)n, d->ext, tail);
}

/* The longest part of at most n bytes that ends at a dash, or none at all. */
static long part(const struct dotname *d, long n)
{
	while (n > 0 && d->ext[n - 1] != '-')
		n--;
	return n;
}

int dotname_next(struct dotname *d)
{
	long len = (long)strlen(d->ext);

	if (d->next == NO_MORE)
		return 0;
	if (d->next == WHOLE) {
		set_path(d, len, "");
		d->next = *d->dash == '\0' ? NO_MORE : part(d, len);
		return 1;
	}
	set_path(d, d->next, "default");
	d->next = d->next == 0 ? NO_MORE : part(d, d->next - 1);
	return 1;
}
