/* Submission: limits, senders, and keys of clients. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "checks.h"
#include "control.h"
#include "ctlmap.h"
#include "finding.h"
#include "num.h"
#include "paths.h"

enum { HEX_OF_KEY = 64 };

static void bad_line(const char *name, unsigned line, const char *why)
{
	problem("control/%s line %u: %s", name, line, why);
	remedy("sed -i %ud %s/%s", line, paths.control, name);
}

/* "MESSAGES:RECIPIENTS", as qqueue reads it (sending.c). */
static int is_limit(const char *value)
{
	const char *colon = strchr(value, ':');
	uint64_t n;

	return colon != NULL &&
	       num_parse_n(value, (size_t)(colon - value), UINT32_MAX, &n) == 0 &&
	       num_parse(colon + 1, UINT32_MAX, &n) == 0;
}

static void check_userlimit(void)
{
	struct ctlmap *m = ctlmap_load("userlimit", CTLMAP_COLON);
	const char *key, *value;
	unsigned line;

	if (m == NULL) {
		problem("%s: qqueue does not start", control_error());
		return;
	}
	for (size_t i = 0; ctlmap_at(m, i, &key, &value, &line); i++)
		if (!is_limit(value))
			bad_line("userlimit", line,
				 "not LOGIN:MESSAGES:RECIPIENTS: qqueue does not start");
	ctlmap_free(m);
}

static int is_key(const char *text)
{
	return strspn(text, "0123456789abcdefABCDEF") == HEX_OF_KEY &&
	       text[HEX_OF_KEY] == ':';
}

/* Addresses, "@domain" or "*", behind a login. */
static int is_senders(const char *text)
{
	const char *word = strchr(text, ':');

	if (word == NULL || word == text)
		return 0;
	for (word++; *(word += strspn(word, " \t,")) != '\0';) {
		size_t n = strcspn(word, " \t,");

		if (memchr(word, '@', n) == NULL && !(n == 1 && *word == '*'))
			return 0;
		word += n;
	}
	return 1;
}

static void check_lines(const char *name, int (*is_good)(const char *), const char *why)
{
	struct control_item *list;

	if (control_list(name, &list) == -1) {
		problem("%s", control_error());
		return;
	}
	for (size_t i = 0; list[i].text != NULL; i++)
		if (!is_good(list[i].text))
			bad_line(name, list[i].line, why);
	control_free_list(list);
}

/* Three listeners share them: else those of one keep TLS from the others. Those who read mail
 * are another caller, and theirs last. */
static void check_sessions(void)
{
	uint64_t clients = 100, logins = 100, readers = 1000, tls = 1200;

	if (control_num("concurrencyincoming", UINT32_MAX, &clients) == -1 ||
	    control_num("concurrencylogin", UINT32_MAX, &logins) == -1 ||
	    control_num("sessions", UINT32_MAX, &readers) == -1 ||
	    control_num("tlssessions", UINT32_MAX, &tls) == -1) {
		problem("%s", control_error());
		return;
	}
	if (tls < 3 * clients)
		note("control/tlssessions: %llu are fewer than three times "
		     "concurrencyincoming (%llu): strangers at one port can keep TLS "
		     "from the others",
		     (unsigned long long)tls, (unsigned long long)clients);
	if (tls < readers + 2 * logins)
		note("control/tlssessions: %llu are fewer than control/sessions (%llu) "
		     "and twice concurrencylogin (%llu): POP3 and IMAP without TLS is "
		     "no login",
		     (unsigned long long)tls, (unsigned long long)readers,
		     (unsigned long long)logins);
}

void check_submission(void)
{
	check_sessions();
	check_userlimit();
	check_lines("senders", is_senders, "not LOGIN:ADDRESS @DOMAIN *");
	check_lines("relaykeys", is_key,
		    "not the SHA-256 of a key, 64 hex digits, and :NAME");
}
