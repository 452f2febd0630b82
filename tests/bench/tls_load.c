/* tls_load: sends messages by SMTP behind STARTTLS, one connection each, one after
 * another.
 *
 *	tls_load -m COUNT -l BYTES -f SENDER -t RECIPIENT ADDRESS:PORT
 *
 * The shape of Postfix's smtp-source, which knows no STARTTLS: no pipelining, a new
 * session for each message; no session is resumed, and no certificate is verified. Ends
 * with 1 and a line at the first answer that is not the one that was hoped for.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "num.h"

enum { LINE = 80, ROOM = 8192 };

static struct {
	uint64_t count;
	uint64_t size;
	const char *from;
	const char *to;
	struct sockaddr_in peer;
} load = {.count = 1, .size = 4096, .from = "", .to = "postmaster"};

static struct session {
	int fd;
	SSL *tls; /* NULL: in the clear */
	char got[ROOM];
	size_t ngot;
} s;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "tls_load: %s: %s\n", what, strerror(errno));
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void say(const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = s.tls ? SSL_write(s.tls, p, (int)n) : write(s.fd, p, n);

		if (w <= 0)
			die("write");
		p += w;
		n -= (size_t)w;
	}
}

static size_t hear(void)
{
	size_t room = sizeof s.got - s.ngot;
	ssize_t r;

	if (room == 0)
		die("too long an answer");
	r = s.tls ? SSL_read(s.tls, s.got + s.ngot, (int)room)
		  : read(s.fd, s.got + s.ngot, room);
	if (r <= 0)
		die("read");
	s.ngot += (size_t)r;
	return s.ngot;
}

/* One reply, all its lines; it begins with the wanted digit. */
static void expect(char digit)
{
	for (size_t begin = 0;;) {
		char *end = memchr(s.got + begin, '\n', s.ngot - begin);

		if (!end) {
			(void)hear();
			continue;
		}
		if (end - (s.got + begin) >= 4 && s.got[begin + 3] == '-') {
			begin = (size_t)(end - s.got) + 1;
			continue;
		}
		if (s.got[begin] != digit) {
			fprintf(stderr, "tls_load: %.*s\n",
				(int)(end - s.got - (ptrdiff_t)begin), s.got + begin);
			exit(1);
		}
		s.ngot = 0; /* nothing may follow: nothing was asked */
		return;
	}
}

__attribute__((format(printf, 2, 3))) static void ask(char digit, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof line)
		die("too long a command");
	say(line, (size_t)n);
	expect(digit);
}

static char *make_message(size_t *len)
{
	static const char head[] = "Subject: bench\r\n\r\n";
	static const char end[] = ".\r\n";
	size_t lines = (size_t)load.size / LINE + 1;
	char *m = malloc(sizeof head + lines * LINE + sizeof end);
	char *p = m;

	if (!m)
		die("memory");
	memcpy(p, head, sizeof head - 1);
	p += sizeof head - 1;
	for (size_t i = 0; i < lines; i++, p += LINE) {
		memset(p, 'x', LINE - 2);
		p[LINE - 2] = '\r';
		p[LINE - 1] = '\n';
	}
	memcpy(p, end, sizeof end - 1);
	*len = (size_t)(p - m) + sizeof end - 1;
	return m;
}

static void start_tls(SSL_CTX *ctx)
{
	ask('2', "STARTTLS\r\n");
	s.tls = SSL_new(ctx);
	if (!s.tls || SSL_set_fd(s.tls, s.fd) != 1 || SSL_connect(s.tls) != 1)
		die("handshake");
}

static void send_one(SSL_CTX *ctx, const char *message, size_t len)
{
	int on = 1;

	s = (struct session){.fd = socket(AF_INET, SOCK_STREAM, 0)};
	if (s.fd == -1 ||
	    connect(s.fd, (struct sockaddr *)&load.peer, sizeof load.peer) == -1 ||
	    setsockopt(s.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == -1)
		die("connect");
	expect('2');
	ask('2', "EHLO bench.client.example\r\n");
	start_tls(ctx);
	ask('2', "EHLO bench.client.example\r\n");
	ask('2', "MAIL FROM:<%s>\r\n", load.from);
	ask('2', "RCPT TO:<%s>\r\n", load.to);
	ask('3', "DATA\r\n");
	say(message, len);
	expect('2');
	ask('2', "QUIT\r\n");
	(void)SSL_shutdown(s.tls);
	SSL_free(s.tls);
	(void)close(s.fd);
}

static uint64_t number(const char *word, uint64_t max)
{
	uint64_t n;

	if (num_parse(word, max, &n) == -1)
		die(word);
	return n;
}

static void parse_peer(char *word)
{
	char *colon = strrchr(word, ':');

	if (colon)
		*colon = '\0';
	load.peer.sin_family = AF_INET;
	load.peer.sin_port = htons(colon ? (uint16_t)number(colon + 1, UINT16_MAX) : 25);
	if (inet_pton(AF_INET, word, &load.peer.sin_addr) != 1)
		die(word);
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "m:l:f:t:")) != -1)
		switch (c) {
		case 'm':
			load.count = number(optarg, 1000000);
			break;
		case 'l':
			load.size = number(optarg, 1 << 30);
			break;
		case 'f':
			load.from = optarg;
			break;
		case 't':
			load.to = optarg;
			break;
		default:
			exit(100);
		}
	if (optind + 1 != argc) {
		fputs("usage: tls_load -m count -l bytes -f sender -t recipient "
		      "address:port\n",
		      stderr);
		exit(100);
	}
	parse_peer(argv[optind]);
}

int main(int argc, char **argv)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	char *message;
	size_t len;

	parse(argc, argv);
	if (!ctx)
		die("OpenSSL");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_AUTO_RETRY);
	message = make_message(&len);
	for (uint64_t i = 0; i < load.count; i++)
		send_one(ctx, message, len);
	free(message);
	SSL_CTX_free(ctx);
	return 0;
}
