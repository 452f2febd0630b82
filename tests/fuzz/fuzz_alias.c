/* Aliases. First byte odd: the text of an entry of control/aliases, whose value must be
 * one that the reader takes. Even: a value of aliases.cdb, and an included file's line.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../cdb/aliasline.h"
#include "alias.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int ok)
{
	if (!ok)
		abort();
}

static size_t read_value(const char *p, size_t n, int must)
{
	struct alias_item item;
	struct cursor c;
	size_t count = 0;
	int r;

	cur_init(&c, p, n);
	while ((r = alias_next(&c, &item)) == 1) {
		check(item.text >= p && item.text + strlen(item.text) < p + n);
		check(item.kind != ALIAS_FILE || item.text[0] == '/');
		count++;
	}
	check(r == 0 || !must);
	return count;
}

static void text(const char *p, size_t n)
{
	char name[LIMIT_ADDRESS + 1];
	struct sbuf value = SBUF_INIT(65536);

	if (aliasline_parse(p, n, name, &value) == NULL) {
		check(name[0] != '\0' && strlen(name) <= LIMIT_ADDRESS);
		check(read_value(value.p, value.len, 1) > 0);
	}
	sbuf_free(&value);
}

static void line(const char *p, size_t n)
{
	char address[LIMIT_ADDRESS + 1];

	if (alias_include_line(p, n, address) == 1)
		check(address[0] != '\0' && strlen(address) <= LIMIT_ADDRESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data + 1;

	if (size < 1)
		return 0;
	if (data[0] & 1) {
		text(p, size - 1);
		return 0;
	}
	(void)read_value(p, size - 1, 0);
	line(p, size - 1);
	return 0;
}
