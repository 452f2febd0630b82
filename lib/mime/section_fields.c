#include <string.h>
#include <strings.h>

#include "mime/mime_head.h"
#include "mime/section.h"
#include "sbuf.h"

static int is_named(const char *p, size_t n, const char *const *names, size_t nnames)
{
	for (size_t i = 0; i < nnames; i++)
		if (strncasecmp(p, names[i], n) == 0 && names[i][n] == '\0')
			return 1;
	return 0;
}

/* [start, end) with CRLF line ends; a last line without an end gets one. */
static int add(struct sbuf *out, const char *p, size_t n)
{
	int in_cr = 0;

	if (sbuf_reserve(out, 2 * n + 2) == -1)
		return -1;
	out->len += wire_crlf(out->p + out->len, p, n, &in_cr);
	return n > 0 && p[n - 1] != '\n' ? sbuf_cat(out, "\r\n", 2) : 0;
}

int section_fields(struct sbuf *out, const char *p, size_t n, const char *const *names,
		   size_t nnames, int not )
{
	struct mime_field f;
	size_t at = 0, start = 0, end = 0; /* a run of fields that are wanted */

	while (mime_field_next(p, n, &at, &f)) {
		int named =
		    f.name_len > 0 && is_named(p + f.start, f.name_len, names, nnames);

		if (named == !!not )
			continue;
		if (f.start != end) {
			if (add(out, p + start, end - start) == -1)
				return -1;
			start = f.start;
		}
		end = f.end;
	}
	if (add(out, p + start, end - start) == -1)
		return -1;
	return sbuf_cat(out, "\r\n", 2);
}
