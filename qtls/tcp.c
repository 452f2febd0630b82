#include "tcp.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include <openssl/bio.h>

static BIO_METHOD *method;

static int fd_of(BIO *b)
{
	return (int)(intptr_t)BIO_get_data(b);
}

static int is_later(ssize_t r)
{
	return r == -1 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static int tcp_read(BIO *b, char *p, int n)
{
	ssize_t r = recv(fd_of(b), p, (size_t)n, MSG_DONTWAIT);

	BIO_clear_retry_flags(b);
	if (is_later(r))
		BIO_set_retry_read(b);
	else if (r == 0)
		BIO_set_flags(b, BIO_FLAGS_IN_EOF);
	return (int)r;
}

static int tcp_write(BIO *b, const char *p, int n)
{
	ssize_t r = send(fd_of(b), p, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);

	BIO_clear_retry_flags(b);
	if (is_later(r))
		BIO_set_retry_write(b);
	return (int)r;
}

static long tcp_ctrl(BIO *b, int what, long number, void *p)
{
	(void)number;
	(void)p;
	if (what == BIO_CTRL_EOF)
		return BIO_test_flags(b, BIO_FLAGS_IN_EOF) != 0;
	return what == BIO_CTRL_FLUSH;
}

static int tcp_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

int tcp_prepare(void)
{
	int kind = BIO_get_new_index();

	if (kind == -1)
		return -1;
	method = BIO_meth_new(kind | BIO_TYPE_SOURCE_SINK, "tcp");
	return method != NULL && BIO_meth_set_read(method, tcp_read) == 1 &&
		       BIO_meth_set_write(method, tcp_write) == 1 &&
		       BIO_meth_set_ctrl(method, tcp_ctrl) == 1 &&
		       BIO_meth_set_create(method, tcp_create) == 1
		   ? 0
		   : -1;
}

int tcp_attach(SSL *ssl, int fd)
{
	BIO *b = BIO_new(method);

	if (b == NULL)
		return -1;
	BIO_set_data(b, (void *)(intptr_t)fd);
	SSL_set_bio(ssl, b, b);
	return 0;
}
