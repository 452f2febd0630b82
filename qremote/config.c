#include "config.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "control.h"
#include "limits.h"

static int read_seconds(const char *name, uint64_t seconds, int64_t *ms)
{
	if (control_num(name, TIMEOUT_MAX, &seconds) == -1)
		return -1;
	*ms = (int64_t)(seconds > 0 ? seconds : 1) * 1000;
	return 0;
}

/* One address of each family at most. */
static int read_source(struct config *c)
{
	struct control_item *list;
	int r = control_list("outgoingip", &list);

	if (r == -1)
		return -1;
	for (size_t i = 0; r == 1 && list[i].text != NULL; i++)
		if (inet_pton(AF_INET, list[i].text, &c->source4) != 1 &&
		    inet_pton(AF_INET6, list[i].text, &c->source6) != 1)
			r = control_wrong("outgoingip", list[i].line, "not an address");
	control_free_list(list);
	return r;
}

int config_load(struct config *c)
{
	memset(c, 0, sizeof *c);
	if (control_line_or_me("helohost", &c->helohost) == -1)
		return -1;
	if (read_seconds("timeoutconnect", TIMEOUT_CONNECT, &c->timeout_connect) == -1 ||
	    read_seconds("timeoutremote", TIMEOUT_REMOTE, &c->timeout_remote) == -1)
		return -1;
	if (read_source(c) == -1)
		return -1;
	if (control_list("mxfallback", &c->mxfallback) == -1)
		return -1;
	return control_list("ipv4first", &c->ipv4first) == -1 ? -1 : 0;
}
