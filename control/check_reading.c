/* Doors of the network, and what POP3 and IMAP may take. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "control.h"
#include "finding.h"
#include "maildir/quota.h"
#include "num.h"
#include "paths.h"
#include "qlimits.h"

enum { SESSIONS = 10000, LOGIN_MIN = 10, LOGIN_MAX = 600, PORT_MAX = 65535 };

static void check_number(const char *name, uint64_t min, uint64_t max)
{
	uint64_t n = min;

	if (control_num(name, max, &n) == -1) {
		problem("%s", control_error());
		remedy("cat %s/%s   (a number from %llu to %llu)", paths.control, name,
		       (unsigned long long)min, (unsigned long long)max);
	} else if (n < min)
		note("control/%s: %llu is less than %llu, which is taken", name,
		     (unsigned long long)n, (unsigned long long)min);
}

static int is_address(const char *text)
{
	struct in6_addr a;

	return strcmp(text, "0") == 0 || inet_pton(AF_INET, text, &a) == 1 ||
	       inet_pton(AF_INET6, text, &a) == 1;
}

/* "ADDRESS PORT", as qlisten reads it. */
static int is_door(const char *text)
{
	char address[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, " \t");
	uint64_t port;

	if (n == 0 || n >= sizeof address)
		return 0;
	memcpy(address, text, n);
	address[n] = '\0';
	text += n + strspn(text + n, " \t");
	return is_address(address) && num_parse(text, PORT_MAX, &port) == 0 && port > 0;
}

static void check_doors(const char *name)
{
	struct control_item *list;

	if (control_list(name, &list) == -1) {
		problem("%s", control_error());
		return;
	}
	for (size_t i = 0; list[i].text != NULL; i++)
		if (strcmp(list[i].text, "-") != 0 && !is_door(list[i].text)) {
			problem("control/%s line %u: not ADDRESS PORT: the service does "
				"not start",
				name, list[i].line);
			remedy("sed -i %ud %s/%s", list[i].line, paths.control, name);
		}
	control_free_list(list);
}

void check_reading(void)
{
	static const char *const doors[] = {
	    "smtplisten",  "submissionlisten", "submissionslisten", "imaplisten",
	    "imapslisten", "pop3listen",       "pop3slisten"};

	for (size_t i = 0; i < sizeof doors / sizeof *doors; i++)
		check_doors(doors[i]);
	check_number("appendlimit", 0, LIMIT_MESSAGE);
	check_number("sessions", 0, SESSIONS);
	check_number("usersessions", 0, SESSIONS);
	check_number("logintimeout", LOGIN_MIN, LOGIN_MAX);
	if (quota_when_full() == -1) {
		problem("%s: mail waits", control_error());
		remedy("echo 4.2.2 > %s/overquota", paths.control);
	}
}
