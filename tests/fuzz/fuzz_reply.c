/* A server's bytes, as reply lines. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../qremote/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reply *r = malloc(sizeof *r);
	char text[LIMIT_TEXT + 1];
	char arg[8];
	int done = 0;

	if (r == NULL)
		return 0;
	reply_begin(r);
	while (size > 0 && done == 0) {
		const uint8_t *lf = memchr(data, '\n', size);
		size_t n = lf != NULL ? (size_t)(lf - data) : size;
		char *line = malloc(n + (n == 0));

		if (line == NULL)
			break;
		memcpy(line, data, n);
		done = reply_line(r, line, n);
		free(line);
		n += lf != NULL;
		data += n;
		size -= n;
	}
	reply_text(r, text);
	for (const char *p = text; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			abort();
	(void)reply_has(r, "SIZE", arg, sizeof arg);
	(void)reply_lists(r, "AUTH", "PLAIN");
	free(r);
	return 0;
}
