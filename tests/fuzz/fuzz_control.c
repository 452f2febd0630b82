/* The lines of a control file. Run with -close_fd_mask=2: the warning on CR LF would be
 * most of the output. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"
#include "qlimits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_item *list;
	unsigned line = 0;
	int r;

	r = control_parse("fuzz", (const char *)data, size, &list);
	if (r == -1) {
		if (strncmp(control_error(), "control/fuzz: line ", 19) != 0)
			abort();
		return 0;
	}
	if ((r == 1) != (list[0].text != NULL))
		abort();
	for (struct control_item *i = list; i->text != NULL; i++) {
		size_t n = strlen(i->text);

		if (n == 0 || n > LIMIT_CONTROLLINE || i->line <= line ||
		    i->text[0] == '#' || strchr(i->text, '\n') != NULL ||
		    strchr(" \t", i->text[n - 1]) != NULL)
			abort();
		line = i->line;
	}
	control_free_list(list);
	return 0;
}
