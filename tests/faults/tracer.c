/* tracer: makes system calls of Quoin's programs fail, or kills their process at them.
 *
 * Processes that want to be traced join (`tracer join SOCKET PROGRAM …`), with all that
 * they start. One program, by its name, is the target; each of its calls stops twice, at
 * the entry and at the exit, in all its processes and threads, and these stops are
 * counted. A test, connected to the same socket, gives orders in lines of text:
 *
 *   arm PROGRAM              count from here, and do nothing
 *   kill STOP                ... kill the process at that stop: an entry never takes
 *                            effect
 *   fail CALL N ERRNO HOW    ... let the N-th such call fail; HOW: once, ever
 *   short CALL N HOW         ... let it move one byte at most
 *   lift                     no more of that
 *   state                    "stops hits pid call entry|exit" (of the last hit)
 *   trace                    a line for each stop since arm, then "."
 *
 * The other orders are answered by "ok". CALL may be `alloc`: programs whose allocations
 * are wrapped (alloc.c) ask with a system call whether they may.
 * A call that fails is replaced by brk(0), which every sandbox allows; close() is made,
 * and fails afterwards, since Linux frees the descriptor anyway. When the tracer ends,
 * whatever it traces is killed.
 */
#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

#include "alloc.h"

enum { TASKS = 1024, STOPS = 1 << 18, CLIENTS = 8, LINE = 256, NAME = 16 };
enum {
	OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
		  PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL
};
enum { CALL_ALLOC = -2 };
enum what { NOTHING, KILL, FAIL, SHORT };

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(111);
}

/* ---- the order of the day ---- */

static struct {
	char target[NAME];
	enum what what;
	unsigned long stop; /* KILL */
	long call;          /* FAIL, SHORT */
	unsigned long nth;
	int error;
	int ever;
	unsigned long stops, seen, hits, crashes;
	pid_t hit_pid;
	long hit_call;
	int hit_entry;
} order;

struct stop {
	pid_t pid;
	long call;
	int entry;
};
static struct stop *stops;

static const char *call_name(long call)
{
	static char *names[1024];

	if (call == CALL_ALLOC)
		return "alloc";
	if (call < 0 || call >= 1024)
		return "?";
	if (names[call] == NULL)
		names[call] =
		    seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, (int)call);
	return names[call] != NULL ? names[call] : "?";
}

/* ---- the traced ---- */

static struct task {
	pid_t tid;
	pid_t pid;
	int is_target;
	long call; /* under way, as the test names it */
	enum what pending;
	int error;
	struct user_regs_struct saved;
} tasks[TASKS];

static struct task *task_find(pid_t tid)
{
	struct task *none = NULL;

	for (int i = 0; i < TASKS; i++) {
		if (tasks[i].tid == tid)
			return &tasks[i];
		if (tasks[i].tid == 0 && none == NULL)
			none = &tasks[i];
	}
	if (none == NULL)
		die("too many tasks");
	*none = (struct task){.tid = tid};
	return none;
}

/* The kernel's name of a task is that of the program; its process is its Tgid. */
static void task_name(struct task *t, char name[NAME])
{
	char path[64];
	char line[LINE];
	FILE *f;

	name[0] = '\0';
	(void)snprintf(path, sizeof path, "/proc/%d/status", t->tid);
	f = fopen(path, "r");
	if (f == NULL)
		return;
	while (fgets(line, sizeof line, f) != NULL) {
		if (strncmp(line, "Name:\t", 6) == 0)
			(void)snprintf(name, NAME, "%.*s", (int)strcspn(line + 6, "\n"),
				       line + 6);
		if (strncmp(line, "Tgid:\t", 6) == 0)
			t->pid = (pid_t)strtol(line + 6, NULL, 10);
	}
	(void)fclose(f);
}

static void task_judge(struct task *t)
{
	char name[NAME];

	task_name(t, name);
	t->is_target = strcmp(name, order.target) == 0;
}

static void resume(const struct task *t, int sig)
{
	(void)ptrace(t->is_target ? PTRACE_SYSCALL : PTRACE_CONT, t->tid, NULL,
		     (void *)(intptr_t)sig);
}

/* ---- one stop at a call ---- */

static void hit(const struct task *t, int entry)
{
	order.hits++;
	order.hit_pid = t->pid;
	order.hit_call = t->call;
	order.hit_entry = entry;
}

static int is_due(const struct task *t)
{
	if (order.what == NOTHING || order.what == KILL || t->call != order.call)
		return 0;
	order.seen++;
	return order.ever ? order.seen >= order.nth : order.seen == order.nth;
}

/* A pipe takes up to 4 KB whole, an event descriptor its 8 bytes; only what is on a
 * disk has its errors. */
static int is_possible(const struct task *t, unsigned long long fd)
{
	int of_disk =
	    order.error == EIO || order.error == ENOSPC || order.error == EDQUOT;
	char path[64];
	char is[LINE];
	ssize_t n;

	if (order.what == FAIL &&
	    (!of_disk ||
	     (t->call != SYS_read && t->call != SYS_write && t->call != SYS_writev)))
		return 1;
	(void)snprintf(path, sizeof path, "/proc/%d/fd/%llu", t->pid, fd);
	n = readlink(path, is, sizeof is - 1);
	if (n <= 0)
		return 0;
	is[n] = '\0';
	return is[0] == '/' || (order.what == SHORT && strncmp(is, "socket:", 7) == 0);
}

#ifdef __x86_64__
static void replace(struct task *t)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, t->tid, NULL, &r) == -1)
		return;
	t->saved = r;
	t->pending = order.what;
	t->error = order.error;
	if (order.what == SHORT) {
		if (r.rdx > 1)
			r.rdx = 1;
	} else if (t->call != SYS_close) {
		r.orig_rax = SYS_brk;
		r.rdi = 0;
	}
	(void)ptrace(PTRACE_SETREGS, t->tid, NULL, &r);
}

/* All other registers are as the program left them. */
static void put_result(struct task *t)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, t->tid, NULL, &r) == -1)
		return;
	t->saved.rax = t->pending == FAIL ? (unsigned long long)-t->error : r.rax;
	t->pending = NOTHING;
	t->saved.rcx = r.rcx;
	t->saved.r11 = r.r11;
	t->saved.rip = r.rip;
	(void)ptrace(PTRACE_SETREGS, t->tid, NULL, &t->saved);
}
#else
static void replace(struct task *t)
{
	(void)t;
}

static void put_result(struct task *t)
{
	(void)t;
}
#endif

static void on_call(struct task *t)
{
	struct __ptrace_syscall_info info;
	int entry;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) == -1)
		return;
	entry = info.op != PTRACE_SYSCALL_INFO_EXIT;
	if (entry)
		t->call = info.entry.nr == SYS_brk && info.entry.args[0] == ALLOC_ASKS
			      ? CALL_ALLOC
			      : (long)info.entry.nr;
	if (order.stops < STOPS)
		stops[order.stops] = (struct stop){t->pid, t->call, entry};
	order.stops++;
	if (order.what == KILL && order.stops == order.stop) {
		hit(t, entry);
		(void)kill(t->pid, SIGKILL);
	} else if (entry && is_due(t) && is_possible(t, info.entry.args[0])) {
		hit(t, entry);
		replace(t);
	} else if (!entry && t->pending)
		put_result(t);
}

static void on_stop(struct task *t, int status)
{
	int sig = WSTOPSIG(status);
	int event = status >> 16;

	if (event == PTRACE_EVENT_STOP &&
	    sig != SIGTRAP) { /* stopped by a signal: stays so */
		(void)ptrace(PTRACE_LISTEN, t->tid, NULL, NULL);
		return;
	}
	if (t->pid == 0 || event == PTRACE_EVENT_EXEC || event == PTRACE_EVENT_STOP)
		task_judge(t);
	if (sig == (SIGTRAP | 0x80)) {
		if (t->is_target)
			on_call(t);
		sig = 0;
	} else if (event != 0)
		sig = 0;
	resume(t, sig);
}

static int is_crash(int sig)
{
	return sig == SIGSEGV || sig == SIGBUS || sig == SIGABRT || sig == SIGILL ||
	       sig == SIGFPE || sig == SIGSYS || sig == SIGTRAP;
}

static void reap(void)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		struct task *t = task_find(tid);

		if (WIFSTOPPED(status))
			on_stop(t, status);
		else {
			order.crashes += WIFSIGNALED(status) && t->tid == t->pid &&
					 is_crash(WTERMSIG(status));
			t->tid = 0;
		}
	}
}

/* Who is the target now; the new one's tasks must stop once to be told. */
static void retarget(const char *name)
{
	(void)snprintf(order.target, sizeof order.target, "%.15s", name);
	for (int i = 0; i < TASKS; i++) {
		int was = tasks[i].is_target;

		if (tasks[i].tid == 0)
			continue;
		task_judge(&tasks[i]);
		if (tasks[i].is_target && !was)
			(void)ptrace(PTRACE_INTERRUPT, tasks[i].tid, NULL, NULL);
	}
}

static void end_all(const char *name)
{
	char is[NAME];

	for (int i = 0; i < TASKS; i++) {
		if (tasks[i].tid == 0)
			continue;
		task_name(&tasks[i], is);
		if (strcmp(is, name) == 0)
			(void)kill(tasks[i].pid, SIGKILL);
	}
}

/* ---- orders ---- */

struct client {
	int fd;
	size_t n;
	char line[LINE];
};
static struct client clients[CLIENTS];

static void put_trace(FILE *f)
{
	for (unsigned long i = 0; i < order.stops && i < STOPS; i++)
		(void)fprintf(f, "%d %s %s\n", stops[i].pid, call_name(stops[i].call),
			      stops[i].entry ? "entry" : "exit");
	(void)fputs(".\n", f);
}

static void put_state(FILE *f)
{
	(void)fprintf(f, "%lu %lu %d %s %s %lu\n", order.stops, order.hits, order.hit_pid,
		      order.hits > 0 ? call_name(order.hit_call) : "-",
		      order.hit_entry ? "entry" : "exit", order.crashes);
}

static long call_number(const char *name)
{
	return strcmp(name, "alloc") == 0 ? CALL_ALLOC
					  : seccomp_syscall_resolve_name(name);
}

static void join(int fd)
{
	struct ucred c;
	socklen_t n = sizeof c;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &n) == -1 ||
	    ptrace(PTRACE_SEIZE, c.pid, NULL, (void *)(intptr_t)OPTIONS) == -1) {
		perror("tracer: seize");
		return;
	}
	task_find(c.pid)->pid = c.pid;
}

/* Each gets its words, NULL where there are no more, and says what is its answer. */

static unsigned long number(const char *word)
{
	return word != NULL ? strtoul(word, NULL, 10) : 0;
}

static void say_ok(FILE *f)
{
	(void)fputs("ok\n", f);
}

static void do_arm(char **word, FILE *f)
{
	retarget(word[1]);
	order.what = NOTHING;
	order.stops = order.seen = order.hits = order.crashes = 0;
	say_ok(f);
}

static void do_kill(char **word, FILE *f)
{
	order.stop = number(word[1]);
	order.what = KILL;
	say_ok(f);
}

static void aim(char **word, const char *how)
{
	order.call = call_number(word[1]);
	order.nth = number(word[2]);
	order.ever = how != NULL && strcmp(how, "ever") == 0;
}

static void do_fail(char **word, FILE *f)
{
	aim(word, word[4]);
	order.error = (int)number(word[3]);
	order.what = FAIL;
	say_ok(f);
}

static void do_short(char **word, FILE *f)
{
	aim(word, word[3]);
	order.what = SHORT;
	say_ok(f);
}

static void do_lift(char **word, FILE *f)
{
	(void)word;
	order.what = NOTHING;
	say_ok(f);
}

static void do_end(char **word, FILE *f)
{
	end_all(word[1]);
	say_ok(f);
}

static void do_state(char **word, FILE *f)
{
	(void)word;
	put_state(f);
}

static void do_trace(char **word, FILE *f)
{
	(void)word;
	put_trace(f);
}

static const struct {
	const char *name;
	int words; /* at least */
	void (*run)(char **word, FILE *f);
} orders[] = {{"arm", 2, do_arm},     {"kill", 2, do_kill},   {"fail", 5, do_fail},
	      {"short", 4, do_short}, {"lift", 1, do_lift},   {"end", 2, do_end},
	      {"state", 1, do_state}, {"trace", 1, do_trace}, {NULL, 0, NULL}};

static void obey(struct client *c)
{
	char *word[6] = {NULL};
	char *at = NULL;
	int n = 0;
	FILE *f = fdopen(dup(c->fd), "w");

	if (f == NULL)
		die("tracer: answer");
	for (char *w = strtok_r(c->line, " ", &at); w != NULL && n < 5;
	     w = strtok_r(NULL, " ", &at))
		word[n++] = w;
	if (n == 1 && strcmp(word[0], "join") == 0) {
		join(c->fd);
		say_ok(f);
	}
	for (int i = 0; n > 0 && orders[i].name != NULL; i++)
		if (strcmp(word[0], orders[i].name) == 0 && n >= orders[i].words)
			orders[i].run(word, f);
	(void)fclose(f);
}

static void hear(struct client *c)
{
	ssize_t n = read(c->fd, c->line + c->n, LINE - 1 - c->n);
	char *end;

	if (n <= 0) {
		(void)close(c->fd);
		c->fd = -1;
		return;
	}
	c->n += (size_t)n;
	c->line[c->n] = '\0';
	while ((end = strchr(c->line, '\n')) != NULL) {
		*end = '\0';
		obey(c);
		c->n -= (size_t)(end + 1 - c->line);
		memmove(c->line, end + 1, c->n + 1);
	}
}

static void greet(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	for (int i = 0; fd != -1 && i < CLIENTS; i++)
		if (clients[i].fd == -1) {
			clients[i] = (struct client){.fd = fd};
			return;
		}
	(void)close(fd);
}

static _Noreturn void serve(int listener, int signals)
{
	struct pollfd p[2 + CLIENTS] = {{listener, POLLIN, 0}, {signals, POLLIN, 0}};
	struct signalfd_siginfo si;

	for (;;) {
		for (int i = 0; i < CLIENTS; i++)
			p[2 + i] = (struct pollfd){clients[i].fd, POLLIN, 0};
		if (poll(p, 2 + CLIENTS, -1) == -1 && errno != EINTR)
			die("tracer: poll");
		if (p[1].revents != 0)
			(void)!read(signals, &si, sizeof si);
		reap();
		for (int i = 0; i < CLIENTS; i++)
			if (clients[i].fd != -1 && p[2 + i].revents != 0)
				hear(&clients[i]);
		if (p[0].revents != 0)
			greet(listener);
	}
}

static int address(struct sockaddr_un *a, const char *path)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (s == -1 || strlen(path) >= sizeof a->sun_path)
		die("tracer: socket");
	memcpy(a->sun_path, path, strlen(path) + 1);
	return s;
}

static _Noreturn void join_and_run(const char *path, char **argv)
{
	struct sockaddr_un a;
	int s = address(&a, path);
	char ok[4];

	if (connect(s, (struct sockaddr *)&a, sizeof a) == -1 ||
	    write(s, "join\n", 5) != 5 || read(s, ok, sizeof ok) <= 0)
		die("tracer: join");
	(void)execv(argv[0], argv);
	die(argv[0]);
}

int main(int argc, char **argv)
{
	struct sockaddr_un a;
	sigset_t set;
	int s;

	if (argc > 3 && strcmp(argv[1], "join") == 0)
		join_and_run(argv[2], argv + 3);
	if (argc != 2) {
		(void)fputs("usage: tracer SOCKET | tracer join SOCKET PROGRAM ...\n",
			    stderr);
		return 100;
	}
	stops = malloc(STOPS * sizeof *stops);
	for (int i = 0; i < CLIENTS; i++)
		clients[i].fd = -1;
	s = address(&a, argv[1]);
	if (stops == NULL || bind(s, (struct sockaddr *)&a, sizeof a) == -1 ||
	    listen(s, CLIENTS) == -1)
		die("tracer: listen");
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	serve(s, signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
}
