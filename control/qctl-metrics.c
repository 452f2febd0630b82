/* qctl-metrics: the state of this Quoin as OpenMetrics text, to standard output, or into
 * a file by rename for node_exporter's textfile collector.
 *
 * Who:    root or group quoin, by cron or a timer; the queue's numbers come through the
 *         keeper's door (lib/keeper.h), those of the services from s6-svstat.
 * Trusts: nobody. There is no HTTP listener.
 * Exit:   0, 1 the queue stands still or qsend does not answer, 100, 111.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "args.h"
#include "clock.h"
#include "gen/build.h"
#include "keeper.h"
#include "paths.h"
#include "prog.h"

static const char usage[] = "qctl-metrics [-C dir] [file]";

enum {
	ANSWER_MS = 20000,
	STALLED = 900, /* seconds; as qctl queue stat */
	SERVICES = 64,
};

typedef unsigned long long num;

static FILE *to;
extern char **environ;

/* ---- families (OpenMetrics 1.0, 4) ---- */

static void family(const char *name, const char *type, const char *help)
{
	(void)fprintf(to, "# TYPE quoin_%s %s\n# HELP quoin_%s %s\n", name, type, name,
		      help);
}

static void gauge(const char *name, const char *help, num value)
{
	family(name, "gauge", help);
	(void)fprintf(to, "quoin_%s %llu\n", name, value);
}

static void counter(const char *name, const char *help, num value, num started)
{
	family(name, "counter", help);
	(void)fprintf(to, "quoin_%s_total %llu\nquoin_%s_created %llu\n", name, value,
		      name, started);
}

/* ---- the queue ---- */

static int ask_stat(struct keeper_frame *f)
{
	static char frame[LIMIT_FRAME];
	int fd = keeper_ask(&(struct keeper_request){.ask = KEEPER_STAT});
	int r;

	if (fd == -1) {
		warn_sys("ask qsend");
		return 0;
	}
	r = keeper_next(fd, f, frame, clock_mono_ms() + ANSWER_MS);
	if (r == -1)
		warn_sys("hear from qsend");
	else if (f->what != 'S')
		warn_msg("qsend gave an answer that makes no sense");
	(void)close(fd);
	return r == 0 && f->what == 'S';
}

static const char *const channels[] = {"local", "remote"};

static void of_channels(const char *name, const char *help, const num value[2])
{
	family(name, "gauge", help);
	for (int i = 0; i < 2; i++)
		(void)fprintf(to, "quoin_%s{channel=\"%s\"} %llu\n", name, channels[i],
			      value[i]);
}

static void put_attempts(const struct keeper_frame *f)
{
	family("attempts", "counter", "Attempts at recipients, by what came of them.");
	for (int i = 0; i < 2; i++) {
		const struct {
			const char *result;
			uint64_t n;
		} rows[] = {{"delivered", f->ch[i].delivered},
			    {"failed", f->ch[i].failed},
			    {"deferred", f->ch[i].deferred}};

		for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
			(void)fprintf(
			    to,
			    "quoin_attempts_total{channel=\"%s\",result=\"%s\"} %llu\n",
			    channels[i], rows[k].result, (num)rows[k].n);
	}
}

static void put_channels(const struct keeper_frame *f)
{
	const struct keeper_channel *l = &f->ch[0];
	const struct keeper_channel *r = &f->ch[1];

	of_channels("channel_running", "Jobs under way.",
		    (num[]){l->running, r->running});
	of_channels("channel_limit", "Jobs allowed at once.",
		    (num[]){l->limit, r->limit});
	of_channels("channel_waiting", "Messages that wait for their next attempt.",
		    (num[]){l->waiting, r->waiting});
	of_channels("channel_paused", "1: the channel is paused.",
		    (num[]){l->paused, r->paused});
	put_attempts(f);
}

static void put_counters(const struct keeper_frame *f)
{
	const struct {
		const char *name;
		const char *help;
		uint64_t n;
	} rows[] = {
	    {"deliveries", "Deliveries that were begun.", f->deliveries},
	    {"accepted_messages", "Messages taken over from qqueue.", f->accepted},
	    {"accepted_bytes", "Their bytes.", f->bytes},
	    {"ended_messages", "Messages of which all recipients were decided.",
	     f->ended},
	    {"notifications", "Delivery status notifications.", f->notifications},
	    {"removed_messages", "Messages deleted or moved by a keeper.", f->removed},
	    {"bad_messages", "Messages that the disk damaged, set aside.", f->bad},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		counter(rows[i].name, rows[i].help, rows[i].n, f->started);
}

static void put_queue(const struct keeper_frame *f)
{
	num now = clock_wall_ns() / 1000000000;

	gauge("start_time_seconds", "When qsend was started.", f->started);
	gauge("queue_messages", "Messages in the queue.", f->messages);
	gauge("queue_held_messages", "Of these, held by a keeper.", f->messages_held);
	gauge("queue_active_messages", "Of these, in memory: being delivered.",
	      f->loaded);
	gauge("queue_notifying_messages", "Of these, their senders are being notified.",
	      f->bounces);
	gauge("resting_destinations", "Destinations that are left alone for a while.",
	      f->resting);
	gauge("queue_oldest_seconds", "Age of the oldest message, 0 without one.",
	      f->oldest != 0 && f->oldest < now ? now - f->oldest : 0);
	gauge("queue_overdue_seconds",
	      "For how long the message that waits longest has been due.", f->overdue);
	gauge("queue_stalled_seconds", "For how long nothing was tried that is due.",
	      f->stalled);
	put_channels(f);
	put_counters(f);
}

/* ---- the disk ---- */

static void put_disk(void)
{
	struct statvfs v;

	if (statvfs(paths.queue, &v) == -1) {
		warn_sys2("look at the disk of", paths.queue);
		return;
	}
	gauge("queue_disk_free_bytes", "Free for the queue.",
	      (num)v.f_bavail * v.f_frsize);
	gauge("queue_disk_bytes", "Size of its file system.",
	      (num)v.f_blocks * v.f_frsize);
	gauge("queue_disk_free_inodes", "Files that may still be made.", (num)v.f_favail);
}

/* ---- the services ---- */

static int say_up(const char *dir, char *text, size_t size)
{
	char *argv[] = {(char *)"s6-svstat", (char *)"-o", (char *)"up", (char *)dir,
			NULL};
	posix_spawn_file_actions_t acts;
	int status = -1;
	ssize_t n = -1;
	pid_t pid = -1;
	int p[2];

	if (pipe2(p, O_CLOEXEC) == -1)
		return -1;
	if (posix_spawn_file_actions_init(&acts) == 0) {
		if (posix_spawn_file_actions_adddup2(&acts, p[1], 1) != 0 ||
		    posix_spawn_file_actions_addopen(&acts, 2, "/dev/null", O_WRONLY,
						     0) != 0 ||
		    posix_spawnp(&pid, argv[0], &acts, NULL, argv, environ) != 0)
			pid = -1;
		(void)posix_spawn_file_actions_destroy(&acts);
	}
	(void)close(p[1]);
	if (pid != -1) {
		n = read(p[0], text, size - 1);
		(void)waitpid(pid, &status, 0);
	}
	(void)close(p[0]);
	text[n > 0 ? n : 0] = '\0';
	return status == 0 ? 0 : -1;
}

static int is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n > 0 && s[n] == '\0';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_service(const struct dirent *e)
{
	return e->d_type == DT_DIR && is_name(e->d_name);
}

static void put_service(const char *tree, const char *name)
{
	char dir[LIMIT_PATH];
	char text[32] = "";
	int up;

	if (path_join(dir, sizeof dir, tree, name) == NULL)
		return;
	up = say_up(dir, text, sizeof text) == 0 && strncmp(text, "true", 4) == 0;
	(void)fprintf(to, "quoin_service_up{service=\"%s\"} %d\n", name, up);
}

static void put_services(void)
{
	char tree[LIMIT_PATH];
	struct dirent **names = NULL;
	int n = -1;

	if (path_join(tree, sizeof tree, paths.run, "service") != NULL)
		n = scandir(tree, &names, is_service, by_name);
	if (n <= 0)
		return;
	family("service_up", "gauge", "1: the service runs.");
	for (int i = 0; i < n; i++) {
		if (i < SERVICES)
			put_service(tree, names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* ---- all of it ---- */

static int put_all(void)
{
	struct keeper_frame f;
	int answers = ask_stat(&f);
	int stalled = !answers || f.stalled >= STALLED;

	family("build", "info", "This Quoin.");
	(void)fprintf(to, "quoin_build_info{version=\"%s\"} 1\n", BUILD_VERSION);
	gauge("up", "1: qsend answers.", (num)answers);
	gauge("queue_stalled", "1: the queue stands still, or qsend does not answer.",
	      (num)stalled);
	if (answers)
		put_queue(&f);
	put_disk();
	put_services();
	(void)fputs("# EOF\n", to);
	return stalled;
}

/* The reader sees the old file or the new one; node_exporter reads *.prom alone. */
static void new_name(char out[LIMIT_PATH], const char *file)
{
	int n = snprintf(out, LIMIT_PATH, "%s.new.%ld", file, (long)getpid());

	if (n < 0 || n >= LIMIT_PATH)
		die_msg(EXIT_PERM, "the name of the file is too long");
}

/* Not in place of /dev/stdout. */
static void refuse_odd(const char *file)
{
	struct stat st;

	if (stat(file, &st) == 0 && !S_ISREG(st.st_mode))
		die_msg(EXIT_PERM, "%s is no plain file", file);
}

static void open_file(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	to = fd != -1 ? fdopen(fd, "w") : NULL;
	if (to == NULL)
		die_sys2(EXIT_TEMP, "write", name);
}

static void close_file(const char *name, const char *file)
{
	int bad = ferror(to) || fchmod(fileno(to), 0644) == -1;

	if (fclose(to) == EOF || bad || rename(name, file) == -1) {
		int e = errno;

		(void)unlink(name);
		errno = e;
		die_sys2(EXIT_TEMP, "write", file);
	}
}

int main(int argc, char **argv)
{
	char name[LIMIT_PATH];
	const char *file = NULL;
	int stalled;
	int first;

	prog_init("qctl-metrics");
	first = args(usage, args_none, argc, argv);
	if (first < argc)
		file = argv[first++];
	if (first < argc || (file != NULL && *file == '\0'))
		die_usage(usage);
	to = stdout;
	if (file != NULL) {
		refuse_odd(file);
		new_name(name, file);
		open_file(name);
	}
	stalled = put_all();
	if (file != NULL)
		close_file(name, file);
	else if (fflush(stdout) == EOF || ferror(stdout))
		die_sys(EXIT_TEMP, "write");
	return stalled;
}
