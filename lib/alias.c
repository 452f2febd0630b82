#include "alias.h"

#include <errno.h>
#include <string.h>

#include "addr.h"
#include "paths.h"
#include "table.h"

int alias_find(const char *name, char **value, size_t *len)
{
	char path[LIMIT_PATH];

	if (path_join(path, sizeof path, paths.control, "aliases.cdb") == NULL)
		return -1;
	return table_lookup(path, name, strlen(name), value, len);
}

int alias_next(struct cursor *value, struct alias_item *item)
{
	const char *s;

	if (value->len > 0 && *value->p == '#' &&
	    cur_str(value, LIMIT_CONTROLLINE, &s) == -1)
		return -1;
	if (value->len == 0 && !value->bad)
		return 0;
	if (cur_str(value, LIMIT_CONTROLLINE, &s) == -1)
		return -1;
	if (*s == '\0' || strchr("&|/<-!", *s) == NULL) {
		errno = EBADMSG;
		return -1;
	}
	item->kind = (enum alias_kind) * s;
	item->text = item->kind == ALIAS_FILE ? s : s + 1;
	return 1;
}

int alias_include_line(const char *p, size_t n, char address[LIMIT_ADDRESS + 1])
{
	char line[2 * LIMIT_ADDRESS];

	while (n > 0 && strchr(" \t\r", p[n - 1]) != NULL && p[n - 1] != '\0')
		n--;
	while (n > 0 && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	if (n == 0 || *p == '#')
		return 0;
	if (*p == '&') {
		p++;
		n--;
	}
	/* | and / are letters of an address, but here they would mean something else */
	if (n == 0 || *p == '|' || *p == '/' || n >= sizeof line ||
	    memchr(p, '\0', n) != NULL) {
		errno = EINVAL;
		return -1;
	}
	memcpy(line, p, n);
	line[n] = '\0';
	return addr_parse(line, address) == -1 ? -1 : 1;
}
