#include "authask.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cursor.h"
#include "escape.h"
#include "fdio.h"
#include "usock.h"

static const char away[] = "Passwords cannot be judged now.";

/* ---- the request ---- */

static int add(char frame[LIMIT_AUTHFRAME], size_t *n, size_t max, const char *s)
{
	size_t len = strlen(s);

	if (len > max || len >= LIMIT_AUTHFRAME - *n) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(frame + *n, s, len + 1);
	*n += len + 1;
	return 0;
}

int authask_put(char frame[LIMIT_AUTHFRAME], size_t *n, const struct auth_want *w)
{
	*n = 0;
	if (add(frame, n, LIMIT_SERVICE, w->service) == 0 &&
	    add(frame, n, LIMIT_AUTHCLIENT, w->client) == 0 &&
	    add(frame, n, LIMIT_LOGIN, w->user) == 0 &&
	    add(frame, n, LIMIT_PASSWORD, w->password) == 0 &&
	    add(frame, n, LIMIT_AUTHWORD, w->word != NULL ? w->word : "") == 0)
		return 0;
	explicit_bzero(frame, LIMIT_AUTHFRAME);
	return -1;
}

/* A word of ours: it is compared, logged and put into an environment. */
static int is_service(const char *s)
{
	return s[0] != '\0' &&
	       s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789")] == '\0';
}

int authask_get(struct auth_want *w, const char *p, size_t n)
{
	struct cursor c;

	cur_init(&c, p, n);
	w->session = -1;
	if (cur_str(&c, LIMIT_SERVICE, &w->service) == -1 ||
	    cur_str(&c, LIMIT_AUTHCLIENT, &w->client) == -1 ||
	    cur_str(&c, LIMIT_LOGIN, &w->user) == -1 ||
	    cur_str(&c, LIMIT_PASSWORD, &w->password) == -1 ||
	    cur_str(&c, LIMIT_AUTHWORD, &w->word) == -1 || cur_end(&c) == -1)
		return -1;
	if (is_service(w->service) && w->user[0] != '\0' && w->password[0] != '\0')
		return 0;
	errno = EBADMSG;
	return -1;
}

/* ---- the answer ---- */

static enum auth_answer say(char out[LIMIT_TEXT + 1], enum auth_answer a,
			    const char *text)
{
	(void)snprintf(out, LIMIT_TEXT + 1, "%s", text);
	return a;
}

static int take(const char *p, size_t n, enum auth_answer *a, char out[LIMIT_TEXT + 1])
{
	static const char letters[] = "+-CZ"; /* in the order of enum auth_answer */
	const char *at;
	const char *text;
	struct cursor c;
	uint8_t letter;

	cur_init(&c, p, n);
	if (cur_u8(&c, &letter) == -1 || cur_str(&c, LIMIT_TEXT, &text) == -1 ||
	    cur_end(&c) == -1)
		return -1;
	at = letter != '\0' ? strchr(letters, letter) : NULL;
	if (at == NULL ||
	    (letter == '+' && (text[0] == '\0' || strlen(text) > LIMIT_LOGIN))) {
		errno = EBADMSG;
		return -1;
	}
	*a = (enum auth_answer)(at - letters);
	if (*a == AUTH_YES)
		memcpy(out, text, strlen(text) + 1);
	else
		(void)escape_text(out, LIMIT_TEXT + 1, text, strlen(text));
	return 0;
}

static int hear(int fd, enum auth_answer *a, char out[LIMIT_TEXT + 1], int64_t deadline)
{
	char buf[LIMIT_TEXT + 2];
	ssize_t r;

	if (fd_wait(fd, POLLIN, deadline) == -1)
		return -1;
	r = usock_recv(fd, buf, sizeof buf, NULL);
	if (r == 0)
		errno = EPIPE; /* qauth has ended */
	return r <= 0 ? -1 : take(buf, (size_t)r, a, out);
}

static int tell(int fd, const struct auth_want *w)
{
	char frame[LIMIT_AUTHFRAME];
	size_t n;
	int r;

	if (authask_put(frame, &n, w) == -1)
		return -1;
	r = usock_send(fd, frame, n, w->session);
	explicit_bzero(frame, sizeof frame);
	return r;
}

/* An empty password is none: a directory may take it for a visit without a name. */
static int is_hopeless(const struct auth_want *w)
{
	return w->user[0] == '\0' || w->password[0] == '\0' ||
	       strlen(w->user) > LIMIT_LOGIN || strlen(w->password) > LIMIT_PASSWORD;
}

enum auth_answer authask_on(int fd, const struct auth_want *w, char out[LIMIT_TEXT + 1],
			    int64_t deadline)
{
	enum auth_answer a;

	if (is_hopeless(w))
		return say(out, AUTH_NO, AUTH_WRONG);
	if (tell(fd, w) == -1 || hear(fd, &a, out, deadline) == -1)
		return say(out, AUTH_LATER, away);
	return a;
}

enum auth_answer authask(const char *door, const struct auth_want *w,
			 char out[LIMIT_TEXT + 1], int64_t deadline)
{
	enum auth_answer a;
	int fd;
	int e;

	if (is_hopeless(w))
		return say(out, AUTH_NO, AUTH_WRONG);
	fd = usock_connect(door, SOCK_SEQPACKET);
	if (fd == -1)
		return say(out, AUTH_LATER, away);
	a = authask_on(fd, w, out, deadline);
	e = errno;
	(void)close(fd);
	errno = e;
	return a;
}
