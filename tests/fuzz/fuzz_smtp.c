/* A whole session of qsmtpd after its greeting, with a stand-in of qqueue. 0xff divides
 * the input into packets, so that what must not be pipelined can be reached; 0xfe at its
 * begin makes it the service of port 587, with stand-ins of qtls and qauth: "secret" is
 * everybody's password.
 *
 * Whatever the client says: an envelope must be one, its recipients ours unless the
 * client has proved to be somebody, and his sender his; and a message that was committed
 * must have no CR.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "addr.h"
#include "authask.h"
#include "dsnparam.h"
#include "paths.h"
#include "qfile.h"
#include "qlog.h"
#include "tlsgate.h"
#include "../../qsmtpd/data.h"
#include "../../qsmtpd/senders.h"
#include "../../qsmtpd/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 32768, PACKETS_MAX = 100 };

static int null = -1;
static struct session *now; /* of this run */
static size_t committed;

static void check(int ok)
{
	if (!ok)
		abort();
}

/* ---- a qqueue that takes everything ---- */

int submit_open(struct submit *s, int64_t deadline)
{
	(void)deadline;
	s->fd = -1;
	memcpy(s->id, "0000000000AbCdEfG", sizeof s->id);
	return 0;
}

int submit_open_fd(struct submit *s, int fd, int64_t deadline)
{
	(void)fd;
	return submit_open(s, deadline);
}

void submit_deadline(struct submit *s, int64_t deadline)
{
	s->deadline = deadline;
}

static void check_recipient(const char *rcpt)
{
	const char *domain = addr_domain(rcpt);

	check(now->login[0] != '\0' || domain == NULL ||
	      domain_equal(domain, "q.example"));
}

int submit_envelope(struct submit *s, const char *env, size_t n)
{
	struct envelope e;
	struct envelope_rcpt r;
	const char *at;

	(void)s;
	check(envelope_parse(&e, env, n) == 0);
	check(e.envid == NULL || dsn_envid(e.envid) == 0);
	check((e.login != NULL) == (now->login[0] != '\0'));
	check(!now->cfg.submission || (now->tls.on && e.login != NULL));
	check(e.login == NULL || senders_may(&now->cfg, e.login, e.sender) == 1);
	at = e.rcpts;
	for (size_t i = 0; i < e.nrcpts; i++) {
		at = envelope_rcpt(&e, at, &r);
		check_recipient(r.address);
		check(r.orcpt == NULL || dsn_orcpt(r.orcpt) == 0);
	}
	return 0;
}

int submit_data(struct submit *s, const void *p, size_t n)
{
	(void)s;
	check(memchr(p, '\r', n) == NULL && memchr(p, '\0', n) == NULL);
	return 0;
}

int submit_push(struct submit *s)
{
	(void)s;
	return 0;
}

int submit_commit(struct submit *s, char *answer)
{
	*answer = 'K';
	s->text[0] = '\0';
	committed++;
	return 0;
}

void submit_close(struct submit *s)
{
	s->id[0] = '\0';
}

/* ---- a qtls and a qauth ---- */

static int tcp = -1;

int tlsgate_open(struct tlsgate *g, const char *service, const struct tls_want *w, int fd,
		 int64_t deadline)
{
	(void)service;
	(void)deadline;
	check(w->server && tcp == -1);
	*g = (struct tlsgate){.fd = -1};
	tcp = dup(fd);
	check(tcp != -1);
	return 0;
}

int tlsgate_go(struct tlsgate *g)
{
	(void)g;
	return 0;
}

int tlsgate_result(struct tlsgate *g, struct tls_facts *f, int64_t deadline)
{
	int plain = tcp;

	(void)g;
	(void)deadline;
	memset(f, 0, sizeof *f);
	memcpy(f->version, "TLSv1.3", 8);
	tcp = -1;
	return plain;
}

void tlsgate_close(struct tlsgate *g)
{
	(void)g;
	if (tcp != -1)
		(void)close(tcp);
	tcp = -1;
}

enum auth_answer authask(const char *door, const struct auth_want *w,
			 char out[LIMIT_TEXT + 1], int64_t deadline)
{
	(void)door;
	(void)deadline;
	check(w->user[0] != '\0' && strlen(w->user) <= LIMIT_LOGIN);
	check(w->password[0] != '\0' && strlen(w->password) <= LIMIT_PASSWORD);
	(void)snprintf(out, LIMIT_TEXT + 1, "%s", w->user);
	/* A name of another form is no account, and makes a warning. */
	for (const char *p = w->user; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return AUTH_NO;
	return strcmp(w->password, "secret") == 0 ? AUTH_YES
	       : strcmp(w->password, "cut") == 0  ? AUTH_CUT
						  : AUTH_NO;
}

/* ---- no log ---- */

void qlog_begin(struct qlog *l, const char *event)
{
	(void)event;
	l->len = 0;
}

void qlog_id(struct qlog *l, const char *qid)
{
	qlog_str(l, "id", qid);
}

void qlog_str(struct qlog *l, const char *key, const char *value)
{
	qlog_bytes(l, key, value, strlen(value));
}

void qlog_bytes(struct qlog *l, const char *key, const char *p, size_t n)
{
	(void)key;
	(void)p;
	l->len += n;
}

void qlog_num(struct qlog *l, const char *key, uint64_t value)
{
	(void)l;
	(void)key;
	(void)value;
}

void qlog_end(struct qlog *l)
{
	(void)l;
}

/* ---- a house and a client ---- */

static void write_control(const char *name, const char *text)
{
	char path[LIMIT_PATH];
	FILE *f;

	check(path_join(path, sizeof path, paths.control, name) != NULL);
	f = fopen(path, "w");
	check(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static char home[] = "/tmp/quoin-fuzz-XXXXXX";

static void remove_house(void)
{
	char path[LIMIT_PATH];

	for (const char *const *name =
		 (const char *const[]){"me", "rcpthosts", "badmailfrom", NULL};
	     *name != NULL; name++)
		if (path_join(path, sizeof path, paths.control, *name) != NULL)
			(void)unlink(path);
	(void)rmdir(paths.control);
	(void)rmdir(home);
}

static void make_house(struct session *s)
{

	check(mkdtemp(home) != NULL && paths_under(home) == 0);
	check(mkdir(paths.control, 0700) == 0);
	write_control("me", "q.example\n");
	write_control("rcpthosts", "q.example\n");
	write_control("badmailfrom", "@bad.example\n");
	s->cfg.submission = 1; /* what it needs is loaded */
	check(config_load(&s->cfg) == 0 && config_for_client(&s->cfg) == 0);
	remove_house();
	null = open("/dev/null", O_WRONLY);
	check(null != -1);
	memcpy(s->peer.ip, "192.0.2.7", 10);
	s->peer.ip_known = 1;
	s->peer.local_ip = "192.0.2.25";
}

/* One packet is one read(). */
static void send_packets(int fd, const uint8_t *p, size_t n)
{
	for (int i = 0; n > 0 && i < PACKETS_MAX; i++) {
		const uint8_t *end = memchr(p, 0xff, n);
		size_t len = end != NULL ? (size_t)(end - p) : n;

		if (len > 0 && send(fd, p, len, MSG_DONTWAIT) == -1)
			return;
		len += end != NULL;
		p += len;
		n -= len;
	}
}

static void serve(struct session *s, const uint8_t *data, size_t size)
{
	int fds[2];

	s->cfg.submission = size > 0 && data[0] == 0xfe;
	s->peer.relay = NULL;
	memset(&s->tls, 0, sizeof s->tls);
	s->login[0] = '\0';
	s->auths = 0;
	check(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
	send_packets(fds[1], data + s->cfg.submission, size - (size_t)s->cfg.submission);
	(void)shutdown(fds[1], SHUT_WR); /* it reads nothing, but there is room */
	session_init(s, fds[0], dup(null));
	s->over = GOES_ON;
	s->greeted = NO_HELO;
	s->helo[0] = '\0';
	s->queue_open = 0;
	s->errors = s->junk = 0;
	session_reset(s);
	session_commands(s);
	if (s->in.fd != -1)
		(void)close(s->in.fd);
	if (s->out.fd != s->in.fd && s->out.fd != -1)
		(void)close(s->out.fd);
	(void)close(fds[1]);
}

/* A session that begins with less than it has in life refuses everything, and nothing is
 * ever found behind that. */
static void check_that_mail_is_taken(struct session *s)
{
	static const char dialog[] =
	    "EHLO x\r\n\377MAIL FROM:<a@b.example>\r\nRCPT TO:<x@q.example>\r\n"
	    "DATA\r\n\377a\r\n.\r\n\377QUIT\r\n";

	serve(s, (const uint8_t *)dialog, sizeof dialog - 1);
	check(committed == 1);
}

/* ---- the bytes behind DATA, with nothing behind each piece ---- */

static void no_cr(void *arg, const char *p, size_t n)
{
	(void)arg;
	check(memchr(p, '\r', n) == NULL);
}

static void decode(const uint8_t *p, size_t n)
{
	size_t step = n > 0 ? 1 + p[0] % 50 : 1, used = 0;
	enum data_result r = DATA_MORE;
	struct data d;

	data_init(&d, no_cr, NULL);
	for (; r == DATA_MORE && n > 0; p += used, n -= used) {
		size_t len = n < step ? n : step;
		char *piece = malloc(len);

		check(piece != NULL);
		memcpy(piece, p, len);
		r = data_decode(&d, piece, len, &used);
		check(used <= len && (used > 0 || r != DATA_MORE));
		free(piece);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct session s;

	if (size > INPUT_MAX)
		return 0;
	now = &s;
	if (null == -1) {
		make_house(&s);
		session_prepare(&s);
		check_that_mail_is_taken(&s);
	}
	serve(&s, data, size);
	decode(data, size);
	return 0;
}
