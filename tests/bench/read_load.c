/* read_load: a client that reads mail, for Quoin and its peers alike.
 *
 *	read_load sessions imap|pop3 PORT USER PASSWORD COUNT PARALLEL
 *		connect, log in, SELECT INBOX (or STAT), log out: sessions a second
 *	read_load ask PORT USER PASSWORD COMMAND...
 *		one IMAP session; each COMMAND's time in ms and its answer's bytes, a line each
 *	read_load append PORT USER PASSWORD COUNT SIZE
 *		APPENDs, each waited for: seconds
 *	read_load idle PORT USER PASSWORD MAILDIR COUNT
 *		a file renamed into MAILDIR/new until IDLE tells of it: median and p99 in ms
 *	read_load retr PORT USER PASSWORD
 *		POP3: LIST, then RETR of each: seconds and bytes
 *
 * A peer that says no, or nothing for 120 s, ends the program with 1.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 1 << 20, PATIENCE = 120, KEEP = 4096 };

static char buf[SIZE];
static char tail[KEEP + 1]; /* the last bytes of an answer */
static size_t ntail;

static _Noreturn void give_up(const char *why)
{
	fprintf(stderr, "read_load: %s: %.200s\n", why, tail);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long number(const char *word)
{
	return strtol(word, NULL, 10);
}

static int dial(const char *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
				.sin_port = htons((uint16_t)number(port))};
	struct timeval patience = {.tv_sec = PATIENCE};
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || connect(fd, (struct sockaddr *)&a, sizeof a) == -1)
		give_up(strerror(errno));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	ntail = 0;
	return fd;
}

__attribute__((format(printf, 2, 3))) static void say(int fd, const char *fmt, ...)
{
	char line[8192];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n)
		give_up("send");
	ntail = 0;
}

static void keep(const char *p, size_t n)
{
	if (n > KEEP) {
		p += n - KEEP;
		n = KEEP;
	}
	if (ntail + n > KEEP) {
		size_t drop = ntail + n - KEEP;

		memmove(tail, tail + drop, ntail - drop);
		ntail -= drop;
	}
	memcpy(tail + ntail, p, n);
	ntail += n;
	tail[ntail] = '\0';
}

/* Is the answer at its end? IMAP: a last line that begins with the tag. */
static int has_tagged(const char *tag)
{
	const char *line;

	if (ntail < 2 || memcmp(tail + ntail - 2, "\r\n", 2) != 0)
		return 0;
	for (line = tail + ntail - 2; line > tail && line[-1] != '\n'; line--)
		;
	if (strncmp(line, tag, strlen(tag)) != 0)
		return 0;
	if (strncmp(line + strlen(tag), "OK", 2) != 0)
		give_up("refused");
	return 1;
}

static int has_line(const char *start)
{
	return ntail >= 2 && tail[ntail - 1] == '\n' &&
	       strncmp(tail, start, strlen(start)) == 0;
}

static int has_plus(const char *unused)
{
	(void)unused;
	return has_line("+");
}

static int has_dot(const char *unused)
{
	(void)unused;
	if (ntail < KEEP && has_line("-ERR"))
		give_up("refused");
	return ntail >= 5 && memcmp(tail + ntail - 5, "\r\n.\r\n", 5) == 0;
}

static uint64_t hear(int fd, int (*done)(const char *), const char *what)
{
	uint64_t bytes = 0;

	do {
		ssize_t n = recv(fd, buf, sizeof buf, 0);

		if (n <= 0)
			give_up(n == 0 ? "it hung up" : strerror(errno));
		keep(buf, (size_t)n);
		bytes += (uint64_t)n;
	} while (!done(what));
	return bytes;
}

static int imap(const char *port, const char *user, const char *password)
{
	int fd = dial(port);

	(void)hear(fd, has_line, "* OK");
	say(fd, "a LOGIN %s %s\r\n", user, password);
	(void)hear(fd, has_tagged, "a ");
	return fd;
}

static int pop3(const char *port, const char *user, const char *password)
{
	int fd = dial(port);

	(void)hear(fd, has_line, "+OK");
	say(fd, "USER %s\r\n", user);
	(void)hear(fd, has_line, "+OK");
	say(fd, "PASS %s\r\n", password);
	(void)hear(fd, has_line, "+OK");
	return fd;
}

/* ---- what is measured ---- */

static void one_session(int is_imap, char **w)
{
	int fd = is_imap ? imap(w[0], w[1], w[2]) : pop3(w[0], w[1], w[2]);

	if (is_imap) {
		say(fd, "b SELECT INBOX\r\n");
		(void)hear(fd, has_tagged, "b ");
		say(fd, "c LOGOUT\r\n");
		(void)hear(fd, has_tagged, "c ");
	} else {
		say(fd, "STAT\r\n");
		(void)hear(fd, has_line, "+OK");
		say(fd, "QUIT\r\n");
		(void)hear(fd, has_line, "+OK");
	}
	(void)close(fd);
}

static void sessions(char **w)
{
	int is_imap = strcmp(w[0], "imap") == 0;
	long count = number(w[4]);
	long parallel = number(w[5]);
	double begin = now();
	int status;

	for (int p = 0; p < parallel; p++)
		if (fork() == 0) {
			for (int i = p; i < count; i += parallel)
				one_session(is_imap, w + 1);
			_exit(0);
		}
	for (int p = 0; p < parallel; p++)
		if (wait(&status) == -1 || status != 0)
			give_up("a session failed");
	printf("%.2f\n", count / (now() - begin));
}

static void ask(char **w)
{
	int fd = imap(w[0], w[1], w[2]);

	for (w += 3; *w != NULL; w++) {
		double begin = now();
		uint64_t bytes;

		say(fd, "q %s\r\n", *w);
		bytes = hear(fd, has_tagged, "q ");
		printf("%.3f %llu\n", (now() - begin) * 1000, (unsigned long long)bytes);
	}
	say(fd, "z LOGOUT\r\n");
	(void)hear(fd, has_tagged, "z ");
}

static void append(char **w)
{
	int fd = imap(w[0], w[1], w[2]);
	long count = number(w[3]);
	size_t size = (size_t)number(w[4]);
	static const char head[] = "Subject: x\r\n\r\n";
	char *m = malloc(size + 3);
	double begin;

	if (m == NULL)
		give_up("no memory");
	for (size_t i = 0; i < size; i++)
		m[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : 'x';
	for (size_t i = 0; i < sizeof head - 1; i++)
		m[i] = head[i];
	memcpy(m + size, "\r\n", 3);
	begin = now();
	for (int i = 0; i < count; i++) {
		say(fd, "q APPEND INBOX {%zu}\r\n", size);
		(void)hear(fd, has_plus, "");
		ntail = 0;
		if (send(fd, m, size + 2, MSG_NOSIGNAL) != (ssize_t)size + 2)
			give_up("send");
		(void)hear(fd, has_tagged, "q ");
	}
	printf("%.3f\n", now() - begin);
	free(m);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int has_exists(const char *unused)
{
	(void)unused;
	return strstr(tail, " EXISTS\r\n") != NULL;
}

static void idle(char **w)
{
	int fd = imap(w[0], w[1], w[2]);
	long count = number(w[4]);
	double *took = calloc((size_t)count, sizeof *took);
	char tmp[4096], new[4096];

	if (took == NULL)
		give_up("no memory");
	say(fd, "q SELECT INBOX\r\n");
	(void)hear(fd, has_tagged, "q ");
	say(fd, "q IDLE\r\n");
	(void)hear(fd, has_plus, "");
	for (int i = 0; i < count; i++) {
		double begin;
		FILE *f;

		(void)snprintf(tmp, sizeof tmp, "%s/tmp/%ld.%d.bench", w[3],
			       (long)time(NULL), i);
		(void)snprintf(new, sizeof new, "%s/new/%ld.%d_%d.bench", w[3],
			       (long)time(NULL), i, (int)getpid());
		if ((f = fopen(tmp, "w")) == NULL ||
		    fputs("Subject: new\n\nhello\n", f) == EOF || fclose(f) != 0 ||
		    chmod(tmp, 0666) == -1)
			give_up("a new message");
		(void)usleep(700000);
		ntail = 0;
		tail[0] = '\0';
		begin = now();
		if (rename(tmp, new) == -1)
			give_up("rename");
		(void)hear(fd, has_exists, "");
		took[i] = (now() - begin) * 1000;
	}
	qsort(took, (size_t)count, sizeof *took, by_size);
	printf("%.2f %.2f\n", took[count / 2], took[(count * 99) / 100]);
	free(took);
}

static void retr(char **w)
{
	double begin = now();
	int fd = pop3(w[0], w[1], w[2]);
	uint64_t bytes;
	long count = 0;

	say(fd, "STAT\r\n");
	(void)hear(fd, has_line, "+OK");
	count = number(tail + 4);
	say(fd, "LIST\r\n");
	bytes = hear(fd, has_dot, "");
	for (int i = 1; i <= count; i++) {
		say(fd, "RETR %d\r\n", i);
		bytes += hear(fd, has_dot, "");
	}
	say(fd, "QUIT\r\n");
	(void)hear(fd, has_line, "+OK");
	printf("%.3f %llu\n", now() - begin, (unsigned long long)bytes);
}

static const struct mode {
	const char *name;
	int words; /* at least */
	void (*run)(char **words);
} modes[] = {
    {"sessions", 6, sessions}, {"ask", 4, ask},   {"append", 5, append},
    {"idle", 5, idle},         {"retr", 3, retr},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
		if (argc > 1 && strcmp(argv[1], modes[i].name) == 0 &&
		    argc - 2 >= modes[i].words) {
			modes[i].run(argv + 2);
			return 0;
		}
	fprintf(stderr,
		"usage: read_load sessions|ask|append|idle|retr ... (see the source)\n");
	return 100;
}
