/* qctl-audit: proves by the logs that each message that got its yes has exactly one end
 * for each recipient, or is still in the queue.
 *
 * Who:    root, since logs and queue are others'. Reads names in queue/new, cur and bad,
 *         and the logs; writes nothing but standard output.
 * Trusts: that who can write to the logs of qqueue and qsend is them; each line is foreign
 *         input all the same.
 * Exit:   0 all is proven that lies in the window, 1 not, 100, 111.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "audit.h"
#include "clock.h"
#include "control.h"
#include "num.h"
#include "paths.h"
#include "prog.h"

static const char usage[] = "qctl audit [--json] [--since time]";

/* A line that was written a moment ago may be on its way to the log. */
enum { AGAIN_S = 2 };

static struct audit audit;

static const uint64_t second = 1000000000;

/* 30s, 15m, 6h, 2d: so long ago. */
static int take_age(const char *word, uint64_t *ns)
{
	static const char units[] = "smhd";
	static const uint64_t seconds[] = {1, 60, 3600, 86400};
	size_t n = strlen(word);
	const char *unit = n > 0 ? strchr(units, word[n - 1]) : NULL;
	uint64_t now = clock_wall_ns();
	uint64_t v;

	if (unit == NULL || num_parse_n(word, n - 1, 1000000, &v) == -1)
		return -1;
	v *= seconds[unit - units];
	*ns = v < now / second ? now - v * second : 1;
	return 0;
}

static int take_date(const char *word, uint64_t *ns)
{
	static const char *const forms[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S",
					    "%Y-%m-%d %H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(word, forms[i], &tm);
		time_t t;

		if (end == NULL || *end != '\0')
			continue;
		t = mktime(&tm);
		if (t <= 0 || (uint64_t)t > UINT64_MAX / second)
			return -1;
		*ns = (uint64_t)t * second;
		return 0;
	}
	return -1;
}

static int arguments(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"since", required_argument, NULL, 's'},
					      {NULL, 0, NULL, 0}};
	int json = 0;
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "C:", longs, NULL)) != -1) {
		if (opt == 'j')
			json = 1;
		else if (opt == 's' && (take_age(optarg, &audit.since) == 0 ||
					take_date(optarg, &audit.since) == 0))
			continue;
		else if (opt != 'C')
			die_usage(usage);
		else if (paths_under(args_home = optarg) == -1)
			die_sys2(EXIT_PERM, "use directory", optarg);
	}
	if (optind != argc)
		die_usage(usage);
	return json;
}

static void need_our_style(void)
{
	char *style = NULL;

	if (control_line("logstyle", &style) == -1)
		die_msg(EXIT_TEMP, "unable to read control files: %s", control_error());
	if (style != NULL && strcmp(style, "qmail") == 0)
		die_msg(EXIT_PERM,
			"control/logstyle is qmail: its lines have no queue ids "
			"and no places of recipients");
	free(style);
}

static void run(void)
{
	uint64_t since = audit.since;

	ledger_free(&audit.ledger);
	logs_close(&audit.logs);
	memset(&audit, 0, sizeof audit);
	audit.since = since;
	audit_read(&audit);
	audit_judge(&audit);
}

int main(int argc, char **argv)
{
	const struct timespec pause = {AGAIN_S, 0};
	int json;

	prog_init("qctl-audit");
	json = arguments(argc, argv);
	need_our_style();
	run();
	if (audit.wrong[WRONG_LOST] > 0 || audit.unproven > 0) {
		(void)nanosleep(&pause, NULL);
		run();
	}
	audit_print(&audit, json);
	if (fflush(stdout) == EOF || ferror(stdout))
		die_sys(EXIT_TEMP, "write");
	return audit_wrongs(&audit) > 0;
}
