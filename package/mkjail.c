/* mkjail: turns a sandbox table (FOLDER/PROGRAM.jail) into C arrays.
 *
 * Runs when Quoin is built, on the building machine, never on an installed system.
 * Input: the table that lib/jail.h describes; output: C on standard output. A line
 * that it does not understand is an error with file, line and reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netinet/tcp.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

enum { WORDS_MAX = 16, LINE_MAX_LEN = 1024, KNOWN_MAX = 1024 };

static const char *file;
static unsigned line_no;

_Noreturn __attribute__((format(printf, 1, 2))) static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fprintf(stderr, "mkjail: %s:%u: ", file, line_no);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(100);
}

/* What the table says, until it is printed. */
static struct {
	scmp_filter_ctx ctx;
	char limits[4096];
	char paths[8192];
	size_t nlimits;
	size_t npaths;
	int calls;
	int landlock;
	int may_exec;
	int clone3;
} profile;

__attribute__((format(printf, 3, 4))) static void append(char *to, size_t size,
							 const char *fmt, ...)
{
	size_t len = strlen(to);
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(to + len, size - len, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= size - len)
		die("the table is too long");
}

/* ---- limit NAME VALUE ---- */

static const struct {
	const char *name;
	const char *resource;
} resources[] = {
    {"nofile", "RLIMIT_NOFILE"}, {"fsize", "RLIMIT_FSIZE"}, {"nproc", "RLIMIT_NPROC"},
    {"core", "RLIMIT_CORE"},     {"as", "RLIMIT_AS"},       {"stack", "RLIMIT_STACK"},
    {"cpu", "RLIMIT_CPU"},
};

static unsigned long long number(const char *s)
{
	char *end;
	unsigned long long n = strtoull(s, &end, 10);

	if (end == s || *s == '-')
		die("'%s' is not a number", s);
	if (*end == 'K')
		n <<= 10, end++;
	else if (*end == 'M')
		n <<= 20, end++;
	if (*end != '\0')
		die("'%s' is not a number", s);
	return n;
}

static void take_limit(char **w, int n)
{
	if (n != 3)
		die("want: limit NAME VALUE");
	for (size_t i = 0; i < sizeof resources / sizeof *resources; i++)
		if (strcmp(w[1], resources[i].name) == 0) {
			append(profile.limits, sizeof profile.limits,
			       "\t{%s, %lluULL},\n", resources[i].resource, number(w[2]));
			profile.nlimits++;
			return;
		}
	die("no such limit: %s", w[1]);
}

/* ---- path BASE[/REST] ACCESS... ---- */

static const struct {
	const char *word;
	const char *bits;
} accesses[] = {
    {"read", "JAIL_READ"},         {"write", "JAIL_WRITE"},
    {"make", "JAIL_MAKE"},         {"remove", "JAIL_REMOVE"},
    {"move", "JAIL_MOVE"},         {"exec", "JAIL_EXEC"},
    {"makedir", "JAIL_MAKEDIR"},   {"removedir", "JAIL_REMOVEDIR"},
    {"makesock", "JAIL_MAKESOCK"},
};

static const char *access_bits(const char *word)
{
	for (size_t i = 0; i < sizeof accesses / sizeof *accesses; i++)
		if (strcmp(word, accesses[i].word) == 0)
			return accesses[i].bits;
	die("no such access: %s", word);
}

static int is_base(const char *base)
{
	static const char *const bases[] = {"control", "queue", "run", "users",
					    "alias",   "bin",   "sts"};

	for (size_t i = 0; i < sizeof bases / sizeof *bases; i++)
		if (strcmp(base, bases[i]) == 0)
			return 1;
	return 0;
}

static void take_path(char **w, int n)
{
	char *rest;

	profile.landlock = 1;
	if (n == 2 && strcmp(w[1], "none") == 0)
		return;
	if (n < 3)
		die("want: path BASE[/REST] ACCESS...");
	rest = strchr(w[1], '/');
	if (rest != NULL)
		*rest++ = '\0';
	if (*w[1] != '\0' && !is_base(w[1]))
		die("no such base: %s", w[1]);
	append(profile.paths, sizeof profile.paths, "\t{\"%s\", \"%s\", 0",
	       *w[1] ? w[1] : "/", rest != NULL ? rest : "");
	for (int i = 2; i < n; i++)
		append(profile.paths, sizeof profile.paths, " | %s", access_bits(w[i]));
	append(profile.paths, sizeof profile.paths, "},\n");
	profile.npaths++;
}

/* ---- call NAME [RULE] ---- */

/* A word behind a call's name: one argument compared under a mask. */
static const struct {
	const char *word;
	unsigned arg;
	uint64_t mask;
	uint64_t value;
} rules[] = {
    {"AF_UNIX", 0, UINT32_MAX, AF_UNIX},
    {"AF_INET", 0, UINT32_MAX, AF_INET},
    {"AF_INET6", 0, UINT32_MAX, AF_INET6},
    {"AF_NETLINK", 0, UINT32_MAX, AF_NETLINK},
    {"F_GETFD", 1, UINT32_MAX, F_GETFD},
    {"F_SETFD", 1, UINT32_MAX, F_SETFD},
    {"F_GETFL", 1, UINT32_MAX, F_GETFL},
    {"F_SETFL", 1, UINT32_MAX, F_SETFL},
    {"F_SETLK", 1, UINT32_MAX, F_SETLK},
    {"F_OFD_SETLK", 1, UINT32_MAX, F_OFD_SETLK},
    {"F_SETLKW", 1, UINT32_MAX, F_SETLKW},
    {"F_DUPFD_CLOEXEC", 1, UINT32_MAX, F_DUPFD_CLOEXEC},
    {"PR_SET_PDEATHSIG", 0, UINT32_MAX, PR_SET_PDEATHSIG},
    {"PR_SET_NO_NEW_PRIVS", 0, UINT32_MAX, PR_SET_NO_NEW_PRIVS},
    {"PR_SET_DUMPABLE", 0, UINT32_MAX, PR_SET_DUMPABLE},
    {"PR_SET_SECCOMP", 0, UINT32_MAX, PR_SET_SECCOMP},
    {"own", 0, UINT32_MAX, 0},       /* prlimit64: of this process, no other */
    {"connected", 4, UINT64_MAX, 0}, /* sendto: no address */
    {"open-file", 1, UINT64_MAX, 0}, /* utimensat: a descriptor, no path */
    {"SOL_SOCKET", 1, UINT32_MAX, SOL_SOCKET},
    {"TCP_QUICKACK", 2, UINT32_MAX, TCP_QUICKACK},
    {"read-only", 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY}, /* open; openat: next */
    {"thread", 0, CLONE_THREAD, CLONE_THREAD},                 /* clone */
    {"no-thread", 0, CLONE_THREAD | CLONE_VM, 0},              /* clone, for fork */
    {"sibling", 0, UINT32_MAX, CLONE_PARENT | SIGCHLD},        /* clone, lib/template.h */
    {"PR_SET_SECCOMP", 0, UINT32_MAX, PR_SET_SECCOMP},
    {"exec", 2, 0, 0}, /* mmap, mprotect */
};

/* What a call is named elsewhere: on 32-bit and newer architectures. */
static const char *const variants[][2] = {
    {"mmap", "mmap2"},
    {"fstat", "fstat64"},
    {"stat", "stat64"},
    {"lstat", "lstat64"},
    {"newfstatat", "fstatat64"},
    {"newfstatat", "statx"},
    {"fcntl", "fcntl64"},
    {"lseek", "_llseek"},
    {"clock_gettime", "clock_gettime64"},
    {"futex", "futex_time64"},
    {"poll", "ppoll"},
    {"poll", "ppoll_time64"},
    {"open", "openat"},
    {"rename", "renameat"},
    {"rename", "renameat2"},
    {"unlink", "unlinkat"},
    {"link", "linkat"},
    {"mkdir", "mkdirat"},
    {"epoll_wait", "epoll_pwait"},
    {"fork", "clone"},
    {"ftruncate", "ftruncate64"},
    {"fstatfs", "fstatfs64"},
    {"statfs", "statfs64"},
    {"getuid", "getuid32"},
    {"geteuid", "geteuid32"},
    {"recvmsg", "socketcall"},
    {"nanosleep", "clock_nanosleep"},
    {"rt_sigtimedwait", "rt_sigtimedwait_time64"},
    {"recvmmsg", "recvmmsg_time64"},
    {"sendfile", "sendfile64"},
    {"exit_group", "exit"},
    {"rt_sigreturn", "sigreturn"},
};

static struct scmp_arg_cmp rule_of(const char *word)
{
	for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
		if (strcmp(word, rules[i].word) == 0)
			return SCMP_CMP64(rules[i].arg, SCMP_CMP_MASKED_EQ, rules[i].mask,
					  rules[i].value);
	die("no such rule: %s", word);
}

static void allow_one(const char *name, unsigned count, const struct scmp_arg_cmp *cmp)
{
	int nr = seccomp_syscall_resolve_name(name);
	int r;

	if (nr == __NR_SCMP_ERROR)
		die("libseccomp knows no call %s", name);
	if (nr < 0) /* not on this architecture */
		return;
	r = seccomp_rule_add_array(profile.ctx, SCMP_ACT_ALLOW, nr, count, cmp);
	if (r != 0 && r != -EEXIST)
		die("call %s: %s", name, strerror(-r));
}

static int maps_memory(const char *name)
{
	return strcmp(name, "mmap") == 0 || strcmp(name, "mprotect") == 0;
}

static void take_call(char **w, int n)
{
	struct scmp_arg_cmp cmp = {0};
	unsigned count = 0;

	if (n < 2 || n > 3)
		die("want: call NAME [RULE]");
	/* Nobody needs memory that can be executed, but a loader of modules. */
	if (n == 2 && maps_memory(w[1])) {
		cmp = SCMP_CMP64(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
		count = 1;
	}
	if (n == 3 && strcmp(w[2], "exec") != 0) {
		cmp = rule_of(w[2]);
		count = 1;
	}
	profile.calls = 1;
	profile.clone3 |= strcmp(w[1], "clone3") == 0;
	if (strcmp(w[1], "openat") == 0)
		cmp.arg++;
	allow_one(w[1], count, &cmp);
	for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
		if (strcmp(w[1], variants[i][0]) != 0)
			continue;
		if (strcmp(variants[i][1], "openat") == 0)
			cmp.arg++; /* the directory comes first */
		allow_one(variants[i][1], count, &cmp);
	}
}

/* ---- deny NAME [ERRNO]: refused without being killed ---- */

static int errno_of(const char *name)
{
	static const struct {
		const char *name;
		int value;
	} names[] = {
	    {"ENOSYS", ENOSYS}, {"EPERM", EPERM}, {"EACCES", EACCES}, {"ENOTTY", ENOTTY}};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(name, names[i].name) == 0)
			return names[i].value;
	die("no such errno here: %s", name);
}

static void deny_one(const char *name, int e)
{
	int nr = seccomp_syscall_resolve_name(name);
	int r;

	if (nr == __NR_SCMP_ERROR)
		die("libseccomp knows no call %s", name);
	if (nr < 0)
		return;
	r = seccomp_rule_add(profile.ctx, SCMP_ACT_ERRNO((uint32_t)e), nr, 0);
	if (r != 0 && r != -EEXIST)
		die("deny %s: %s", name, strerror(-r));
}

static void take_deny(char **w, int n)
{
	if (n < 2 || n > 3)
		die("want: deny NAME [ERRNO]");
	profile.calls = 1;
	deny_one(w[1], n == 3 ? errno_of(w[2]) : ENOSYS);
}

static void take_exec(char **w, int n)
{
	if (n != 2 || strcmp(w[1], "yes") != 0)
		die("want: exec yes");
	profile.may_exec = 1;
}

static const struct {
	const char *word;
	void (*take)(char **w, int n);
} words[] = {
    {"limit", take_limit}, {"path", take_path}, {"call", take_call},
    {"deny", take_deny},   {"exec", take_exec},
};

static void take_line(char *line)
{
	char *w[WORDS_MAX];
	int n = 0;

	line[strcspn(line, "#\n")] = '\0';
	for (char *t = strtok(line, " \t"); t != NULL; t = strtok(NULL, " \t")) {
		if (n == WORDS_MAX)
			die("too many words");
		w[n++] = t;
	}
	if (n == 0)
		return;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(w[0], words[i].word) == 0) {
			words[i].take(w, n);
			return;
		}
	die("unknown word: %s", w[0]);
}

/* ---- output ---- */

static unsigned last_known(void)
{
	unsigned last = 0;

	for (int nr = 0; nr < KNOWN_MAX; nr++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

		if (name != NULL)
			last = (unsigned)nr;
		free(name);
	}
	return last;
}

static void print_insn(struct sock_filter f)
{
	printf("\t{0x%x, %u, %u, 0x%x},\n", f.code, f.jt, f.jf, f.k);
}

/* In front of libseccomp's filter: calls that it does not know yet give ENOSYS, so
 * that a newer libc can fall back. x32 numbers go on to the filter, which kills. */
static size_t print_newer(void)
{
	const struct sock_filter head[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_arch_native(), 0, 4),
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 2, 0),
	    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, last_known(), 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	};
	size_t n = sizeof head / sizeof *head;

	for (size_t i = 0; i < n; i++)
		print_insn(head[i]);
	return n;
}

static size_t print_filter(void)
{
	FILE *f = tmpfile();
	struct sock_filter insn;
	size_t n;

	if (f == NULL || seccomp_export_bpf(profile.ctx, fileno(f)) != 0)
		die("unable to export the filter");
	rewind(f);
	n = print_newer();
	while (fread(&insn, sizeof insn, 1, f) == 1) {
		print_insn(insn);
		n++;
	}
	(void)fclose(f);
	return n;
}

static void print_profile(const char *name)
{
	size_t nfilter = 0;

	printf("/* Made by package/mkjail from %s. */\n#include \"jail.h\"\n"
	       "#include \"jailbits.h\"\n#include <sys/resource.h>\n\n",
	       file);
	printf("static const struct jail_limit limits[] = {\n%s\t{0, 0}};\n",
	       profile.limits);
	printf("static const struct jail_path paths[] = {\n%s\t{0, 0, 0}};\n",
	       profile.paths);
	printf("static const struct jail_insn filter[] = {\n");
	if (profile.calls)
		nfilter = print_filter();
	printf("\t{0, 0, 0, 0}};\n");
	printf("extern const struct jail_profile jail_%s;\n"
	       "const struct jail_profile jail_%s = {\"%s\", limits, %zu, paths, %zu, "
	       "%d, %d,"
	       " filter, %zu};\n",
	       name, name, name, profile.nlimits, profile.npaths, profile.landlock,
	       profile.may_exec, nfilter);
}

/* FOLDER/PROGRAM.jail -> PROGRAM, with `-` as `_`. */
static const char *name_of(const char *path, char out[64])
{
	const char *slash = strrchr(path, '/');

	(void)snprintf(out, 64, "%s", slash != NULL ? slash + 1 : path);
	out[strcspn(out, ".")] = '\0';
	for (char *c = out; *c != '\0'; c++)
		if (*c == '-')
			*c = '_';
	return out;
}

int main(int argc, char **argv)
{
	char line[LINE_MAX_LEN];
	char name[64];
	FILE *in;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: mkjail TABLE\n");
		return 100;
	}
	file = argv[1];
	in = fopen(file, "r");
	profile.ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (in == NULL || profile.ctx == NULL)
		die("%s", strerror(errno));
	/* The kernel tries a new filter with every call's number to know which are
	 * always allowed, so a binary tree is entered in half the time of a list. */
	if (seccomp_attr_set(profile.ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
		die("unable to make the filter a tree");
	while (fgets(line, sizeof line, in) != NULL) {
		line_no++;
		take_line(line);
	}
	(void)fclose(in);
	if (!profile.clone3)
		deny_one("clone3",
			 ENOSYS); /* its flags cannot be seen: libc falls back */
	print_profile(name_of(file, name));
	return fflush(stdout) == 0 ? 0 : 111;
}
