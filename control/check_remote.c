/* What is said of other hosts: next hops, source addresses. Each bad line is named, not
 * the first alone. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "checks.h"
#include "control.h"
#include "ctlmap.h"
#include "finding.h"
#include "num.h"
#include "paths.h"
#include "relay.h"
#include "smtpauth.h"
#include "tlspolicy.h"

static void check_smtproutes(void)
{
	struct ctlmap *m = ctlmap_load("smtproutes", CTLMAP_COLON);
	char route[LIMIT_ROUTE + 1];
	const char *key, *value;
	unsigned line;

	if (m == NULL) {
		problem("%s", control_error());
		return;
	}
	for (size_t i = 0; ctlmap_at(m, i, &key, &value, &line); i++)
		if (relay_parse(value, route) == -1) {
			problem("control/smtproutes line %u: %s: %s", line, value,
				relay_usage);
			remedy("sed -i %ud %s/smtproutes", line, paths.control);
		}
	ctlmap_free(m);
}

static void check_nullclient(void)
{
	char route[LIMIT_ROUTE + 1];
	char *line = NULL;
	int r = control_line("nullclient", &line);

	if (r == -1)
		problem("%s", control_error());
	else if (r == 1 && relay_parse(line, route) == -1) {
		problem("control/nullclient: %s: %s", line, relay_usage);
		remedy("man quoin-recipes");
	}
	free(line);
}

static int is_address(char *line)
{
	uint8_t ip[16];

	line[strcspn(line, " \t")] = '\0';
	return inet_pton(AF_INET, line, ip) == 1 || inet_pton(AF_INET6, line, ip) == 1;
}

static void check_outgoingip(void)
{
	struct control_item *list = NULL;
	int r = control_list("outgoingip", &list);

	if (r == -1) {
		problem("%s", control_error());
		return;
	}
	for (size_t i = 0; list[i].text != NULL; i++)
		if (!is_address(list[i].text)) {
			problem("control/outgoingip line %u: %s is not an address: "
				"nothing is sent to other hosts",
				list[i].line, list[i].text);
			remedy("sed -i %ud %s/outgoingip", list[i].line, paths.control);
		}
	control_free_list(list);
}

/* destconcurrency, destrate: as qsend reads them (dests.h). */
static void check_numbers(const char *name, uint64_t min, uint64_t max)
{
	struct ctlmap *m = ctlmap_load(name, CTLMAP_COLON);
	const char *key, *value;
	unsigned line;
	uint64_t n;

	if (m == NULL) {
		problem("%s", control_error());
		return;
	}
	for (size_t i = 0; ctlmap_at(m, i, &key, &value, &line); i++) {
		if (num_parse(value, max, &n) == 0 && n >= min)
			continue;
		problem("control/%s line %u: %s is not a number from %llu to %llu: "
			"qsend does not start",
			name, line, value, (unsigned long long)min,
			(unsigned long long)max);
		remedy("sed -i %ud %s/%s", line, paths.control, name);
	}
	ctlmap_free(m);
}

/* Each of them stops all mail of the program that reads it. */
static void check_outgoing_tls(void)
{
	struct ctlmap *policy = tlspolicy_load();
	struct smtpauth *logins;

	if (policy == NULL) {
		problem("%s: nothing is sent to other hosts", control_error());
		remedy("man quoin-control");
	}
	ctlmap_free(policy);
	logins = smtpauth_load();
	if (logins == NULL && errno != EACCES) {
		problem("%s: qsend does not start", control_error());
		remedy("man quoin-control");
	}
	smtpauth_free(logins);
}

void check_remote(void)
{
	check_numbers("destconcurrency", 1, LIMIT_DESTCONCURRENCY);
	check_numbers("destrate", 0, LIMIT_DESTRATE);
	check_smtproutes();
	check_nullclient();
	check_outgoingip();
	check_outgoing_tls();
}
