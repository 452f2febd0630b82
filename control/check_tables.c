/* Compiled tables, and the aliases that every host must have. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "finding.h"
#include "paths.h"
#include "table.h"

static const struct compiled {
	const char *dir; /* paths.control or paths.users */
	const char *text;
	const char *table;
	const char *compiler; /* NULL: qcdb -l */
} compiled[] = {
    {paths.users, "assign", "cdb", "qnewusers"},
    {paths.users, "passwd", "passwd.cdb", "qctl user cdb"},
    {paths.control, "aliases", "aliases.cdb", "qnewaliases"},
    {paths.control, "morercpthosts", "morercpthosts.cdb", "qnewmrh"},
    {paths.control, "tcp.smtp", "tcp.smtp.cdb", "qtcprules"},
    {paths.control, "senders", "senders.cdb", NULL},
    {paths.control, "relaykeys", "relaykeys.cdb", NULL},
};

static void tell_remedy(const struct compiled *c, const char *text, const char *table)
{
	if (c->compiler != NULL)
		remedy("%s", c->compiler);
	else
		remedy("qcdb -l %s %s", text, table);
}

static void check_table(const struct compiled *c)
{
	char text[LIMIT_PATH], table[LIMIT_PATH];
	struct stat ts;
	struct table t;

	if (!path_join(text, sizeof text, c->dir, c->text) ||
	    !path_join(table, sizeof table, c->dir, c->table))
		return;
	if (access(table, F_OK) == -1) {
		if (stat(text, &ts) == 0 && ts.st_size > 0) {
			problem("%s is not compiled: nothing reads it", text);
			tell_remedy(c, text, table);
		}
		return;
	}
	switch (table_open(&t, table)) {
	case 1:
		table_close(&t);
		break;
	case -1:
		if (errno == EACCES) {
			note("%s: cannot be read; ask as root", table);
			return;
		}
		problem("%s: %s", table,
			errno == EPROTO ? "not a table, or broken" : strerror(errno));
		tell_remedy(c, text, table);
		return;
	}
	if (stat(text, &ts) == 0 && table_is_fresh(table, text) == 0) {
		problem("%s was not made of %s as it is now", table, text);
		tell_remedy(c, text, table);
	}
}

void check_tables(void)
{
	for (size_t i = 0; i < sizeof compiled / sizeof *compiled; i++)
		check_table(&compiled[i]);
}

/* Does table DIR/NAME have the key? */
static int is_in(const char *dir, const char *name, const char *key, size_t n)
{
	char path[LIMIT_PATH];
	struct table t;
	const char *value;
	size_t len;
	int found;

	if (!path_join(path, sizeof path, dir, name) || table_open(&t, path) != 1)
		return 0;
	found = table_get(&t, key, n, &value, &len) == 1;
	table_close(&t);
	return found;
}

static int is_read(const char *name)
{
	char path[LIMIT_PATH], key[64];
	int n;

	/* users/cdb: "!name\0" */
	n = snprintf(key, sizeof key, "!%s", name);
	if (is_in(paths.users, "cdb", key, (size_t)n + 1) ||
	    is_in(paths.control, "aliases.cdb", name, strlen(name)))
		return 1;
	n = snprintf(path, sizeof path, "%s/.qmail-%s", paths.alias, name);
	return n > 0 && (size_t)n < sizeof path && access(path, F_OK) == 0;
}

void check_aliases(void)
{
	static const char *const names[] = {"root", "postmaster", "mailer-daemon"};
	char path[LIMIT_PATH];

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (is_read(names[i]))
			continue;
		problem("nobody reads mail to %s", names[i]);
		remedy("echo ./Maildir/ > %s/.qmail-%s", paths.alias, names[i]);
	}
	if (path_join(path, sizeof path, paths.alias, ".qmail-default") &&
	    access(path, F_OK) == 0)
		note("%s: mail to any unknown name is accepted", path);
}
