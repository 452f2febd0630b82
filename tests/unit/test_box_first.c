/* box: the first look at a folder. It is stopped, killed or failed at each of its system
 * calls, and another session comes: whoever tells of uids has seen quoin-uids and its name
 * synced, and nobody tells of what is taken back. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "boxdir.h"
#include "maildir/box_int.h"
#include "spoil.h"

enum { CALLS_MAX = 3000, MESSAGES = 3, WAIT_MS = 100 };

/* What a session did before it ended. */
struct synced {
	int bytes, name; /* of quoin-uids, behind its last write and rename */
	int exit;
};

static void make(void)
{
	char name[40];

	assert_int_equal(setup(NULL), 0);
	for (int i = 0; i < MESSAGES; i++) {
		(void)snprintf(name, sizeof name, "a/cur/%d.m:2,", 1000 + i);
		put(name, "a\n");
	}
}

static pid_t start(void)
{
	pid_t pid = fork();
	struct box b;
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		int dir = folder("a");

		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 || raise(SIGSTOP) != 0)
			_exit(2);
		/* not box_close(): the index might say that all is safe */
		_exit(box_open(&b, dir, 0) == -1 ? 1 : b.count == MESSAGES ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_not_equal(
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD), -1);
	return pid;
}

/* On to the next call that it enters; 0: it has ended. */
static int next_call(pid_t pid, struct __ptrace_syscall_info *call, int *code)
{
	int status;

	for (;;) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			*code = WEXITSTATUS(status);
			return 0;
		}
		assert_true(WIFSTOPPED(status));
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof *call, call) >
			0 &&
		    call->op == PTRACE_SYSCALL_INFO_ENTRY)
			return 1;
	}
}

static int is_fd_of(pid_t pid, uint64_t fd, const char *name)
{
	char link[60];
	char path[400];
	char is[400];
	ssize_t n;

	path_of(path, name);
	(void)snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)pid, (int)fd);
	n = readlink(link, is, sizeof is - 1);
	if (n == -1)
		return 0;
	is[n] = '\0';
	return strcmp(is, path) == 0;
}

static void note(pid_t pid, const struct __ptrace_syscall_info *call, struct synced *s)
{
	switch (call->entry.nr) {
	case SYS_pwrite64:
		if (is_fd_of(pid, call->entry.args[0], "a/quoin-uids") ||
		    is_fd_of(pid, call->entry.args[0], "a/quoin-uids.new"))
			s->bytes = 0;
		break;
	case SYS_renameat:
		s->name = 0;
		break;
	case SYS_fsync:
		s->name |= is_fd_of(pid, call->entry.args[0], "a");
		/* fallthrough */
	case SYS_fdatasync:
		s->bytes |= is_fd_of(pid, call->entry.args[0], "a/quoin-uids");
		break;
	default:
		break;
	}
}

static struct synced watch(pid_t pid)
{
	struct __ptrace_syscall_info call;
	struct synced s = {0};

	while (next_call(pid, &call, &s.exit))
		note(pid, &call, &s);
	return s;
}

/* To call number n: 1 it stands there, 0 it ended before with this code. */
static int run_to(pid_t pid, int n, struct __ptrace_syscall_info *call, int *code)
{
	for (int i = 0; i <= n; i++)
		if (!next_call(pid, call, code))
			return 0;
	return 1;
}

static void end(pid_t pid)
{
	int status;

	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
}

/* Killed anywhere, also between the name and its sync: the next one syncs both. */
static void test_killed(void **state)
{
	struct __ptrace_syscall_info call;
	int more = 1;
	int code;

	(void)state;
	for (int n = 0; more && n < CALLS_MAX; n++) {
		pid_t pid;
		struct synced s;

		make();
		pid = start();
		more = run_to(pid, n, &call, &code);
		if (more)
			end(pid);
		s = watch(start());
		if (s.exit != 0 || !s.bytes || !s.name)
			fail_msg("call %d: exit %d, synced: bytes %d, name %d", n, s.exit,
				 s.bytes, s.name);
		assert_int_equal(teardown(NULL), 0);
	}
	assert_false(more);
}

static int ends_soon(pid_t pid, int *status)
{
	const struct timespec ms = {0, 1000000};

	for (int i = 0; i < WAIT_MS; i++) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return 1;
		(void)nanosleep(&ms, NULL);
	}
	return 0;
}

enum { IDENTITY = 16 }; /* magic and nonce */
static void identity(char out[IDENTITY])
{
	char path[400];
	int fd;

	path_of(path, "a/quoin-uids");
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, out, IDENTITY, 0), IDENTITY);
	(void)close(fd);
}

static pid_t start_free(void)
{
	pid_t pid = fork();
	struct box b;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(box_open(&b, folder("a"), 0) == -1 ? 1
		      : b.count == MESSAGES              ? 0
							 : 3);
	return pid;
}

/* Stands at its n-th sync since the name is there; 0: there is none. */
static int run_to_sync(pid_t pid, int n)
{
	struct __ptrace_syscall_info call;
	int code;

	while (next_call(pid, &call, &code))
		if ((call.entry.nr == SYS_fsync || call.entry.nr == SYS_fdatasync) &&
		    is_there("a/quoin-uids") && n-- == 0)
			return 1;
	return 0;
}

/* The name is there and not durable: who comes waits until the maker is done. */
static void test_waits(void **state)
{
	int n;

	(void)state;
	for (n = 0;; n++) {
		pid_t maker;
		pid_t other;
		int status;

		make();
		maker = start();
		if (!run_to_sync(maker, n))
			break;
		other = start_free();
		assert_false(ends_soon(other, &status));
		assert_int_equal(ptrace(PTRACE_DETACH, maker, NULL, NULL), 0);
		assert_int_equal(waitpid(maker, &status, 0), maker);
		assert_int_equal(status, 0);
		assert_int_equal(waitpid(other, &status, 0), other);
		assert_int_equal(status, 0);
		assert_int_equal(teardown(NULL), 0);
	}
	assert_int_equal(n, 2); /* the file, the directory */
	assert_int_equal(teardown(NULL), 0);
}

#ifdef __x86_64__
/* A sync fails: it says no, nothing of it stays, and who has waited does not tell of that. */
static void test_taken_back(void **state)
{
	(void)state;
	for (int n = 0; n < 2; n++) {
		pid_t maker;
		pid_t other;
		int status;
		char before[IDENTITY];
		char after[IDENTITY];

		make();
		maker = start();
		assert_true(run_to_sync(maker, n));
		identity(before);
		other = start_free();
		assert_false(ends_soon(other, &status));
		spoil(maker, EIO);
		assert_int_equal(ptrace(PTRACE_DETACH, maker, NULL, NULL), 0);
		assert_int_equal(waitpid(maker, &status, 0), maker);
		assert_int_equal(WEXITSTATUS(status), 1);
		assert_int_equal(waitpid(other, &status, 0), other);
		/* it may say no, or make one of its own */
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		if (WEXITSTATUS(status) == 0) {
			identity(after);
			assert_memory_not_equal(before, after, IDENTITY);
		}
		assert_int_equal(watch(start()).exit, 0);
		assert_false(is_there("a/quoin-uids.new"));
		assert_int_equal(teardown(NULL), 0);
	}
}
#endif

/* What a power cut may leave of a name whose bytes were never synced: as good as none. */
static void test_torn(void **state)
{
	struct box b;
	struct stat st;
	char path[400];

	(void)state;
	make();
	path_of(path, "a/quoin-uids");
	open_box(&b, "a", 0);
	box_close(&b);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(teardown(NULL), 0);
	for (off_t n = 0; n <= st.st_size; n++) {
		make();
		path_of(path, "a/quoin-uids");
		open_box(&b, "a", 0);
		box_close(&b);
		drop("a/quoin-index");
		assert_int_equal(truncate(path, n), 0);
		if (n % 2)
			assert_int_equal(truncate(path, st.st_size), 0); /* zeros */
		for (int i = 0; i < 2; i++) {
			open_box(&b, "a", 0);
			assert_int_equal(b.count, MESSAGES);
			assert_int_equal(b.uidnext, MESSAGES + 1);
			box_close(&b);
		}
		assert_int_equal(teardown(NULL), 0);
	}
}

#ifdef __x86_64__
/* Where the boot id cannot be read. */
static void boot_without(uint8_t out[BOOT_LEN])
{
	struct __ptrace_syscall_info call;
	int pair[2];
	int code = 1;
	int status;
	pid_t pid;

	assert_int_equal(pipe(pair), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 || raise(SIGSTOP) != 0)
			_exit(2);
		box_boot();
		_exit(write(pair[1], boxboot, BOOT_LEN) != BOOT_LEN);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_not_equal(
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_TRACESYSGOOD), -1);
	while (next_call(pid, &call, &code))
		if (call.entry.nr == SYS_openat || call.entry.nr == SYS_open)
			spoil(pid, ENOENT);
	assert_int_equal(code, 0);
	assert_int_equal(read(pair[0], out, BOOT_LEN), BOOT_LEN);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* Then no start of the kernel is another one's: nothing may be taken for proof. */
static void test_boot_unknown(void **state)
{
	uint8_t a[BOOT_LEN];
	uint8_t b[BOOT_LEN];

	(void)state;
	boot_without(a);
	boot_without(b);
	assert_memory_not_equal(a, b, BOOT_LEN);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_killed),     cmocka_unit_test(test_waits),
#ifdef __x86_64__
	    cmocka_unit_test(test_taken_back), cmocka_unit_test(test_boot_unknown),
#endif
	    cmocka_unit_test(test_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
