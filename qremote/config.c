#include "config.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "limits.h"
#include "paths.h"
#include "tlspolicy.h"

static int read_seconds(const char *name, uint64_t seconds, int64_t *ms)
{
	if (control_num(name, TIMEOUT_MAX, &seconds) == -1)
		return -1;
	*ms = (int64_t)(seconds > 0 ? seconds : 1) * 1000;
	return 0;
}

/* "ADDRESS" or "ADDRESS HELO": cuts the line in two. */
static char *cut_helo(char *line)
{
	size_t n = strcspn(line, " \t");
	char *helo = line + n + strspn(line + n, " \t");

	line[n] = '\0';
	return *helo != '\0' ? helo : NULL;
}

static int take_source(struct config *c, char *line)
{
	char *helo = cut_helo(line);
	char **name;

	if (helo != NULL && strpbrk(helo, " \t") != NULL)
		return -1;
	if (inet_pton(AF_INET, line, &c->source4) == 1)
		name = &c->helo4;
	else if (inet_pton(AF_INET6, line, &c->source6) == 1)
		name = &c->helo6;
	else
		return -1;
	if (*name != NULL)
		return -1;
	*name = strdup(helo != NULL ? helo : "");
	return *name != NULL ? 0 : -1;
}

/* One address of each family at most. */
static int read_source(struct config *c)
{
	struct control_item *list;
	int r = control_list("outgoingip", &list);

	if (r == -1)
		return -1;
	for (size_t i = 0; r == 1 && list[i].text != NULL; i++)
		if (take_source(c, list[i].text) == -1)
			r = control_wrong("outgoingip", list[i].line,
					  "not an address, alone or with the name for "
					  "EHLO, or a second one of its family");
	control_free_list(list);
	return r;
}

static void default_helo(char **name, char *helohost)
{
	if (*name == NULL || **name == '\0')
		*name = helohost;
}

/* control_line_or_me() found it, or there is no name at all. */
static int read_helo(struct config *c)
{
	char *helohost;

	if (control_line_or_me("helohost", &helohost) == -1 || read_source(c) == -1)
		return -1;
	default_helo(&c->helo4, helohost);
	default_helo(&c->helo6, helohost);
	return 0;
}

static int read_ipv4only(struct config *c)
{
	uint64_t v = 0;
	int r = control_num("ipv4only", 1, &v);

	c->ipv4only = v != 0;
	return r;
}

/* A socket in it comes with qtls; the directory is the installer's. */
static int has_qtls(void)
{
	char path[LIMIT_PATH];

	return path_join(path, sizeof path, paths.run, "tls-client") != NULL &&
	       access(path, X_OK) == 0;
}

int config_load(struct config *c)
{
	memset(c, 0, sizeof *c);
	c->has_qtls = has_qtls();
	if (read_helo(c) == -1 || read_ipv4only(c) == -1)
		return -1;
	if (read_seconds("timeoutconnect", TIMEOUT_CONNECT, &c->timeout_connect) == -1 ||
	    read_seconds("timeoutremote", TIMEOUT_REMOTE, &c->timeout_remote) == -1)
		return -1;
	c->tlspolicy = tlspolicy_load();
	if (c->tlspolicy == NULL || control_list("mxfallback", &c->mxfallback) == -1)
		return -1;
	return control_list("ipv4first", &c->ipv4first) == -1 ? -1 : 0;
}
