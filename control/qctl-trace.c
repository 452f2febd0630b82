/* qctl-trace: the whole way of a message, out of the logs of all programs.
 *
 * Who:    whoever may read the logs: root, or quoinl. Writes nothing but standard output.
 * Trusts: nobody: a line is foreign input (logline.h), and what it prints is a line as
 *         qlog(5) escaped it, once more without control bytes.
 * How:    the logs are read several times: for the ids that the question means, then
 *         for what became of these (notifications, forwards) until no id is new,
 *         then to print. Memory does not grow with the logs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "args.h"
#include "idset.h"
#include "json.h"
#include "logs.h"
#include "paths.h"
#include "prog.h"

static const char usage[] = "qctl trace [--json] queue-id | message-id | address";

/* A chain of forwards and notifications that is longer is not followed. */
enum { PASSES_MAX = 30 };

static struct {
	const char *word;
	size_t len;
	int json;
	struct idset ids;
	unsigned long printed;
} self;

/* ---- every line ---- */

static void each_line(int (*take)(const struct logline *l))
{
	static struct logs logs;
	char path[LIMIT_PATH];
	const char *dir = logs_path(path);
	struct logline *l;
	struct logs_dir *d;
	int r;

	if (dir == NULL || logs_open(&logs, dir) == -1)
		die_sys2(EXIT_TEMP, "read the logs in", dir != NULL ? dir : args_home);
	while ((r = logs_next(&logs, &l, &d)) == 1)
		if (take(l) == -1)
			break;
	if (r == -1)
		die_sys2(EXIT_TEMP, "read the logs in", dir);
	logs_close(&logs);
}

/* ---- what the question means ---- */

static int is_the_word(struct span value)
{
	char text[LIMIT_ADDRESS + 3]; /* a Message-ID may be asked for without its <> */
	size_t n = span_unescape(text, sizeof text, value);
	const char *p = text;

	if (n == self.len + 2 && p[0] == '<' && p[n - 1] == '>') {
		p++;
		n -= 2;
	}
	return n == self.len && strncasecmp(p, self.word, n) == 0;
}

/* A Message-ID, a sender or a recipient. */
static int names_the_word(const struct logline *l)
{
	static const char *const keys[] = {"msgid", "from", "to"};
	struct span fields = l->fields;
	struct span key;
	struct span value;

	if (logline_is_sentence(l))
		return 0;
	while (logline_next(&fields, &key, &value))
		for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
			if (span_is(key, keys[i]) && is_the_word(value))
				return 1;
	return 0;
}

static int find_ids(const struct logline *l)
{
	char id[QID_LEN + 1];

	if (names_the_word(l) && logline_id(l, "id", id))
		(void)idset_add(&self.ids, id);
	return self.ids.full ? -1 : 0;
}

/* ---- what became of them ---- */

static int grew;

/* A notification has a key of its own; a forward stands in the words with which
 * qlocal or a program ended: "qp ID". What take() says of one ends the search. */
static int each_child(const struct logline *l, int (*take)(const char *id))
{
	char id[QID_LEN + 1];
	struct span text;

	if (!span_is(l->program, "qsend"))
		return 0;
	if (logline_id(l, "as", id) && take(id))
		return 1;
	if (!span_is(l->event, "delivery") || !logline_get(l, "channel", &text) ||
	    !span_is(text, "local") || !logline_get(l, "text", &text))
		return 0;
	while (span_id(&text, id))
		if (take(id))
			return 1;
	return 0;
}

static int add_child(const char *id)
{
	grew |= idset_add(&self.ids, id);
	return 0;
}

static int is_known(const char *id)
{
	return idset_has(&self.ids, id);
}

static int follow(const struct logline *l)
{
	char id[QID_LEN + 1];

	if (logline_id(l, "id", id) && is_known(id))
		(void)each_child(l, add_child);
	return 0;
}

static void follow_all(void)
{
	int passes = 0;

	do {
		grew = 0;
		if (self.ids.n > 0)
			each_line(follow);
	} while (grew && ++passes < PASSES_MAX);
	if (grew)
		warn_msg("not followed further than %d generations", PASSES_MAX);
	if (self.ids.full)
		warn_msg("too many messages: only %d of them are shown", IDSET_MAX);
}

/* ---- the lines ---- */

static int sentence_names_one(const struct logline *l)
{
	struct span words = l->fields;
	char id[QID_LEN + 1];

	while (span_id(&words, id))
		if (is_known(id))
			return 1;
	return 0;
}

/* What was refused has often no id. */
static int belongs(const struct logline *l)
{
	char id[QID_LEN + 1];

	if (logline_is_sentence(l))
		return sentence_names_one(l);
	if (logline_id(l, "id", id)) /* or it is what one of them came from */
		return is_known(id) || each_child(l, is_known);
	return names_the_word(l);
}

static void print_member(struct span key, struct span value)
{
	char text[LOGS_LINE];

	(void)putchar(',');
	json_string(key.p, key.n);
	(void)putchar(':');
	json_string(text, span_unescape(text, sizeof text, value));
}

static void print_json(const struct logline *l, const char *when)
{
	struct span fields = l->fields;
	struct span key;
	struct span value;

	(void)printf("{\"time\":\"%s\",\"ns\":%llu,\"program\":", when,
		     (unsigned long long)l->ns);
	json_string(l->program.p, l->program.n);
	(void)fputs(",\"event\":", stdout);
	json_string(l->event.p, l->event.n - (size_t)logline_is_sentence(l));
	if (logline_is_sentence(l)) {
		(void)fputs(",\"text\":", stdout);
		json_string(fields.p, fields.n);
	} else
		while (logline_next(&fields, &key, &value))
			print_member(key, value);
	(void)puts("}");
}

static int print_line(const struct logline *l)
{
	char text[4 * LOGS_LINE + 1];
	char when[40];

	if (!belongs(l))
		return 0;
	self.printed++;
	logs_time(when, l->ns);
	if (self.json) {
		print_json(l, when);
		return 0;
	}
	/* qlog's own escapes stay as they are. */
	for (size_t i = 0; i < l->text.n; i++)
		text[i] = l->text.p[i] >= 32 && l->text.p[i] < 127 ? l->text.p[i] : '?';
	(void)printf("%s %.*s\n", when, (int)l->text.n, text);
	return 0;
}

/* ---- the program ---- */

static void arguments(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {NULL, 0, NULL, 0}};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, "C:", longs, NULL)) != -1) {
		if (opt == 'j')
			self.json = 1;
		else if (opt != 'C')
			die_usage(usage);
		else if (paths_under(args_home = optarg) == -1)
			die_sys2(EXIT_PERM, "use directory", optarg);
	}
	if (optind + 1 != argc || argv[optind][0] == '\0')
		die_usage(usage);
	self.word = argv[optind];
	self.len = strlen(self.word);
}

int main(int argc, char **argv)
{
	uint64_t ns;

	prog_init("qctl-trace");
	arguments(argc, argv);
	if (qid_parse(self.word, &ns) == 0)
		(void)idset_add(&self.ids, self.word);
	else
		each_line(find_ids);
	follow_all();
	each_line(print_line);
	if (fflush(stdout) == EOF || ferror(stdout))
		die_sys(EXIT_TEMP, "write");
	return self.printed == 0;
}
