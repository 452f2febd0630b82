/* The fetching half's loop: a process for each request. */
#include "sts_fetch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "cursor.h"
#include "prog.h"
#include "sbuf.h"
#include "usock.h"

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

int sts_request_get(const char *frame, size_t n, const char **domain, const char **id)
{
	struct cursor c;

	cur_init(&c, frame, n);
	if (cur_str(&c, LIMIT_STSDOMAIN, domain) == -1 ||
	    cur_str(&c, LIMIT_STSID, id) == -1 || cur_end(&c) == -1)
		return -1;
	if (!sts_is_domain(*domain) || (**id != '\0' && !sts_is_id(*id, strlen(*id))))
		return bad();
	return 0;
}

int sts_report_put(struct sbuf *b, const struct sts_report *p)
{
	struct sbuf text = SBUF_INIT(LIMIT_STSRECORD);
	int r = -1;

	sbuf_clear(b);
	if (p->letter == 'F')
		return sbuf_field(b, 'F', p->text);
	if (p->letter != 'P')
		return sbuf_catc(b, p->letter);
	if (sts_record_put(&text, &p->record) == 0 && sbuf_catc(b, 'P') == 0)
		r = sbuf_cat(b, text.p, text.len);
	sbuf_free(&text);
	return r;
}

static int get_text(struct sts_report *p, const char *text, size_t n)
{
	struct cursor c;
	const char *s;

	cur_init(&c, text, n);
	if (cur_str(&c, LIMIT_TEXT, &s) == -1 || cur_end(&c) == -1)
		return -1;
	memcpy(p->text, s, strlen(s) + 1);
	return 0;
}

int sts_report_get(struct sts_report *p, const char *frame, size_t n)
{
	p->text[0] = '\0';
	if (n == 0)
		return bad();
	p->letter = frame[0];
	if (p->letter == 'F')
		return get_text(p, frame + 1, n - 1);
	if (p->letter == 'P')
		return sts_record_get(&p->record, frame + 1, n - 1);
	return (p->letter == '0' || p->letter == '=') && n == 1 ? 0 : bad();
}

/* It may start no other, however it is misled. */
static _Noreturn void fetch(struct dns *d, unsigned port, int to, const char *domain,
			    const char *id)
{
	static const struct rlimit none;
	static struct sts_report p;
	struct sbuf b = SBUF_INIT(LIMIT_STSREPORT);

	if (setrlimit(RLIMIT_NPROC, &none) == -1)
		_exit(EXIT_TEMP);
	sts_fetch(d, port, domain, id, clock_mono_ms() + STS_FETCH_MS, &p);
	if (sts_report_put(&b, &p) == -1 || usock_send(to, b.p, b.len, -1) == -1)
		_exit(EXIT_TEMP);
	_exit(0);
}

static void serve(int pair, struct dns *d, unsigned port)
{
	char buf[LIMIT_STSREQUEST];
	const char *domain;
	const char *id;
	int to;
	ssize_t n = usock_recv(pair, buf, sizeof buf, &to);
	pid_t pid;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n == 0)
		_exit(0);
	if (n == -1 || to == -1 || sts_request_get(buf, (size_t)n, &domain, &id) == -1)
		die_msg(EXIT_TEMP, "a request that was not understood");
	pid = fork();
	if (pid == 0) {
		(void)close(pair);
		fetch(d, port, to, domain, id);
	}
	if (pid == -1)
		warn_sys("start a process");
	(void)close(to); /* who waits there hears the end of it */
}

_Noreturn void sts_fetcher(int pair, struct dns *d, unsigned port)
{
	for (;;) {
		struct pollfd p = {.fd = pair, .events = POLLIN};

		if (poll(&p, 1, -1) == 1)
			serve(pair, d, port);
		else if (errno != EINTR)
			die_sys(EXIT_TEMP, "wait for requests");
	}
}
