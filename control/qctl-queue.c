/* qctl-queue: asks qsend about the queue, through the keeper's door (lib/keeper.h).
 *
 * Runs as:  whoever calls it. run/qsend-ctl decides who may do more than list his own
 *           submissions.
 * Reads:    nothing but the answer; writes nothing but standard output, escaped.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "args.h"
#include "clock.h"
#include "escape.h"
#include "keeper.h"
#include "prog.h"

static const char usage[] = "qctl-queue [-C dir] list | stat | retry [id] | "
			    "pause local|remote | cont local|remote";
enum { ANSWER_MS = 60000 };

static char frame[LIMIT_FRAME];

static int ask(const struct keeper_request *r)
{
	int fd = keeper_ask(r);

	if (fd == -1 && (errno == ENOENT || errno == ECONNREFUSED))
		die_msg(EXIT_TEMP, "qsend is not running");
	if (fd == -1)
		die_sys(EXIT_TEMP, "ask qsend");
	return fd;
}

static void next(int fd, struct keeper_frame *f)
{
	if (keeper_next(fd, f, frame, clock_mono_ms() + ANSWER_MS) == -1) {
		int e = errno;

		(void)fflush(stdout);
		errno = e;
		die_sys(EXIT_TEMP, "read the answer of qsend");
	}
	if (f->what == 'Z')
		die_msg(EXIT_TEMP, "qsend says: %s", f->text);
}

static void expect(const struct keeper_frame *f, char what)
{
	if (f->what != what)
		die_msg(EXIT_TEMP, "qsend gave an answer that makes no sense");
}

/* ---- list ---- */

static void print_time(uint64_t seconds)
{
	char text[32];
	time_t t = (time_t)seconds;
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		(void)snprintf(text, sizeof text, "@%llu", (unsigned long long)seconds);
	(void)fputs(text, stdout);
}

static void print_message(const struct keeper_frame *f)
{
	char sender[4 * LIMIT_ADDRESS];

	(void)escape_log(sender, sizeof sender, f->sender, strlen(f->sender));
	(void)printf("%s %10llu  ", f->id, (unsigned long long)f->size);
	print_time(f->birth);
	(void)printf("  uid %lu  <%s>\n", (unsigned long)f->uid, sender);
	if (f->next == 0)
		(void)printf("%17s  attempts %lu, under way\n", "",
			     (unsigned long)f->attempts);
	else {
		(void)printf("%17s  attempts %lu, next ", "", (unsigned long)f->attempts);
		print_time(f->next);
		(void)putchar('\n');
	}
}

static void print_recipient(const struct keeper_frame *f)
{
	static const char *const channels[] = {"local", "remote", "-"};
	char address[4 * LIMIT_ADDRESS];
	char text[4 * LIMIT_TEXT + 1];
	const char *state = f->state == 'K'   ? "done"
			    : f->state == 'D' ? "failed"
			    : f->state == 'Z' ? "deferred"
					      : "waiting";

	(void)escape_log(address, sizeof address, f->address, strlen(f->address));
	(void)escape_log(text, sizeof text, f->text, strlen(f->text));
	(void)printf("%17s  %-8s %-6s %s\n", "", state, channels[f->channel], address);
	if (*text != '\0')
		(void)printf("%17s           %s\n", "", text);
}

static void print_total(unsigned long n)
{
	if (n == 0)
		(void)puts("The queue is empty.");
	else
		(void)printf("%lu message%s in the queue.\n", n, n == 1 ? "" : "s");
}

static void do_list(int argc, char **argv)
{
	int fd = ask(&(struct keeper_request){.ask = KEEPER_LIST});
	struct keeper_frame f;
	unsigned long n = 0;

	(void)argc;
	(void)argv;
	for (next(fd, &f); f.what == 'M' || f.what == 'R'; next(fd, &f)) {
		n += f.what == 'M';
		if (f.what == 'M')
			print_message(&f);
		else
			print_recipient(&f);
	}
	expect(&f, 'E');
	print_total(n);
}

/* ---- the others ---- */

static void print_channel(const char *name, const struct keeper_channel *c)
{
	(void)printf("%-8s running %lu of %lu, waiting %llu%s\n", name,
		     (unsigned long)c->running, (unsigned long)c->limit,
		     (unsigned long long)c->waiting,
		     c->paused       ? ", paused"
		     : c->limit == 0 ? ", held"
				     : "");
}

static void do_stat(int argc, char **argv)
{
	int fd = ask(&(struct keeper_request){.ask = KEEPER_STAT});
	struct keeper_frame f;

	(void)argc;
	(void)argv;
	next(fd, &f);
	expect(&f, 'S');
	(void)printf("messages %llu, in memory %lu, notifications under way %lu, "
		     "deliveries since start %llu\n",
		     (unsigned long long)f.messages, (unsigned long)f.loaded,
		     (unsigned long)f.bounces, (unsigned long long)f.deliveries);
	print_channel("local", &f.ch[0]);
	print_channel("remote", &f.ch[1]);
}

static uint64_t ask_count(const struct keeper_request *r)
{
	struct keeper_frame f;

	next(ask(r), &f);
	expect(&f, 'K');
	return f.count;
}

static void do_retry(int argc, char **argv)
{
	struct keeper_request r = {.ask = KEEPER_RETRY};
	uint64_t ns;

	if (argc == 1) {
		if (qid_parse(argv[0], &ns) == -1)
			die_msg(EXIT_PERM, "%s is not a queue id", argv[0]);
		r.ids = argv[0];
		r.n = 1;
	}
	if (ask_count(&r) == 0 && argc == 1)
		die_msg(1, "%s does not wait in the queue", argv[0]);
}

static int channel(const char *name)
{
	if (strcmp(name, "local") == 0)
		return 0;
	if (strcmp(name, "remote") == 0)
		return 1;
	die_usage(usage);
}

static void do_pause(int argc, char **argv)
{
	(void)argc;
	(void)ask_count(&(struct keeper_request){.ask = KEEPER_PAUSE,
						 .channel = (uint8_t)channel(argv[0])});
}

static void do_cont(int argc, char **argv)
{
	(void)argc;
	(void)ask_count(&(struct keeper_request){.ask = KEEPER_CONT,
						 .channel = (uint8_t)channel(argv[0])});
}

static const struct {
	const char *name;
	int min, max; /* arguments */
	void (*run)(int argc, char **argv);
} verbs[] = {
    {"list", 0, 0, do_list},   {"stat", 0, 0, do_stat}, {"retry", 0, 1, do_retry},
    {"pause", 1, 1, do_pause}, {"cont", 1, 1, do_cont},
};

int main(int argc, char **argv)
{
	int first;

	prog_init("qctl-queue");
	first = args(usage, args_none, argc, argv);
	if (first == argc)
		die_usage(usage);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		int n = argc - first - 1;

		if (strcmp(verbs[i].name, argv[first]) != 0)
			continue;
		if (n < verbs[i].min || n > verbs[i].max)
			die_usage(usage);
		verbs[i].run(n, argv + first + 1);
		if (fflush(stdout) == EOF)
			die_sys(EXIT_TEMP, "write");
		return 0;
	}
	die_usage(usage);
}
