/* dotline: any bytes; every item has a text within its limits, and no file that may
 * only forward gives anything else. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "qlimits.h"
#include "../../qlocal/dotline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct dot_item *i, int forward_only)
{
	size_t n = strlen(i->text);

	if (strchr(i->text, '\n') != NULL || n > LIMIT_DOTLINE)
		abort();
	if (forward_only && i->kind != DOT_FORWARD)
		abort();
	if (i->kind == DOT_FORWARD && (n == 0 || n > LIMIT_ADDRESS))
		abort();
	if ((i->kind == DOT_MAILDIR || i->kind == DOT_MBOX) &&
	    ((i->kind == DOT_MAILDIR) != (i->text[n - 1] == '/') || n >= LIMIT_PATH))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dot_list l;
	char *copy;
	int only;
	int r;

	if (size == 0)
		return 0;
	only = data[0] & 1;
	copy = malloc(size); /* one byte more than the text: for its end */
	if (copy == NULL)
		return 0;
	memcpy(copy, data + 1, size - 1);
	dot_init(&l);
	l.forward_only = only;
	r = dot_parse(&l, copy, size - 1);
	for (size_t i = 0; r == 0 && i < l.n; i++)
		check(&l.items[i], only);
	if (r == -1 && l.error[0] == '\0')
		abort();
	dot_free(&l);
	free(copy);
	return 0;
}
