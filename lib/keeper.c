#include "keeper.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cursor.h"
#include "fdio.h"
#include "paths.h"
#include "sbuf.h"
#include "usock.h"

static int bad(void)
{
	errno = EBADMSG;
	return -1;
}

/* ---- requests ---- */

int keeper_put_request(struct sbuf *b, const struct keeper_request *r)
{
	sbuf_clear(b);
	if (sbuf_catc(b, r->ask) == -1)
		return -1;
	if (r->ask == KEEPER_RETRY)
		return sbuf_catz(b, r->id);
	if (r->ask == KEEPER_PAUSE || r->ask == KEEPER_CONT)
		return put_u8(b, r->channel);
	return 0;
}

static int get_id(struct cursor *c, char id[QID_LEN + 1])
{
	const char *s;
	uint64_t ns;

	if (cur_str(c, QID_LEN, &s) == -1)
		return -1;
	if (*s != '\0' && qid_parse(s, &ns) == -1)
		return bad();
	memcpy(id, s, strlen(s) + 1);
	return 0;
}

int keeper_get_request(struct keeper_request *r, const char *p, size_t n)
{
	struct cursor c;
	uint8_t ask;

	*r = (struct keeper_request){0};
	cur_init(&c, p, n);
	if (cur_u8(&c, &ask) == -1 || ask == '\0' || strchr("lsrpc", ask) == NULL)
		return bad();
	r->ask = (char)ask;
	if (ask == KEEPER_RETRY && get_id(&c, r->id) == -1)
		return -1;
	if ((ask == KEEPER_PAUSE || ask == KEEPER_CONT) &&
	    (cur_u8(&c, &r->channel) == -1 || r->channel > 1))
		return bad();
	return cur_end(&c);
}

/* ---- answers: one function each way for each frame ---- */

static int put_message(struct sbuf *b, const struct keeper_frame *f)
{
	if (sbuf_catz(b, f->id) == -1 || put_u64(b, f->birth) == -1 ||
	    put_u64(b, f->size) == -1 || put_u32(b, f->uid) == -1 ||
	    put_u64(b, f->next) == -1 || put_u32(b, f->attempts) == -1 ||
	    put_u32(b, f->recipients) == -1)
		return -1;
	return sbuf_catz(b, f->sender);
}

static int get_message(struct cursor *c, struct keeper_frame *f)
{
	uint64_t ns;

	(void)cur_str(c, QID_LEN, &f->id);
	(void)cur_u64(c, &f->birth);
	(void)cur_u64(c, &f->size);
	(void)cur_u32(c, &f->uid);
	(void)cur_u64(c, &f->next);
	(void)cur_u32(c, &f->attempts);
	(void)cur_u32(c, &f->recipients);
	if (cur_str(c, LIMIT_ADDRESS, &f->sender) == -1)
		return -1;
	return qid_parse(f->id, &ns) == -1 ? bad() : 0;
}

static int put_recipient(struct sbuf *b, const struct keeper_frame *f)
{
	if (sbuf_catc(b, f->state) == -1 || put_u8(b, f->channel) == -1 ||
	    sbuf_catz(b, f->address) == -1)
		return -1;
	return sbuf_catz(b, f->text);
}

static int get_recipient(struct cursor *c, struct keeper_frame *f)
{
	uint8_t state;

	if (cur_u8(c, &state) == -1 || state == '\0' || strchr("KDZT", state) == NULL)
		return bad();
	f->state = (char)state;
	if (cur_u8(c, &f->channel) == -1 || f->channel > 2)
		return bad();
	(void)cur_str(c, LIMIT_ADDRESS, &f->address);
	return cur_str(c, LIMIT_TEXT, &f->text);
}

static int put_stat(struct sbuf *b, const struct keeper_frame *f)
{
	if (put_u64(b, f->messages) == -1 || put_u64(b, f->deliveries) == -1 ||
	    put_u32(b, f->loaded) == -1 || put_u32(b, f->bounces) == -1)
		return -1;
	for (int i = 0; i < 2; i++)
		if (put_u32(b, f->ch[i].running) == -1 ||
		    put_u32(b, f->ch[i].limit) == -1 ||
		    put_u64(b, f->ch[i].waiting) == -1 ||
		    put_u8(b, f->ch[i].paused) == -1)
			return -1;
	return 0;
}

static int get_stat(struct cursor *c, struct keeper_frame *f)
{
	int r = 0;

	(void)cur_u64(c, &f->messages);
	(void)cur_u64(c, &f->deliveries);
	(void)cur_u32(c, &f->loaded);
	(void)cur_u32(c, &f->bounces);
	for (int i = 0; i < 2; i++) {
		(void)cur_u32(c, &f->ch[i].running);
		(void)cur_u32(c, &f->ch[i].limit);
		(void)cur_u64(c, &f->ch[i].waiting);
		r = cur_u8(c, &f->ch[i].paused);
	}
	return r;
}

static int put_end(struct sbuf *b, const struct keeper_frame *f)
{
	(void)b;
	(void)f;
	return 0;
}

static int get_end(struct cursor *c, struct keeper_frame *f)
{
	(void)c;
	(void)f;
	return 0;
}

static int put_count(struct sbuf *b, const struct keeper_frame *f)
{
	return put_u64(b, f->count);
}

static int get_count(struct cursor *c, struct keeper_frame *f)
{
	return cur_u64(c, &f->count);
}

static int put_text(struct sbuf *b, const struct keeper_frame *f)
{
	return sbuf_catz(b, f->text);
}

static int get_text(struct cursor *c, struct keeper_frame *f)
{
	return cur_str(c, LIMIT_TEXT, &f->text);
}

static const struct {
	char what;
	int (*put)(struct sbuf *b, const struct keeper_frame *f);
	int (*get)(struct cursor *c, struct keeper_frame *f);
} frames[] = {
    {'M', put_message, get_message}, {'R', put_recipient, get_recipient},
    {'S', put_stat, get_stat},       {'E', put_end, get_end},
    {'K', put_count, get_count},     {'Z', put_text, get_text},
};
enum { FRAMES = sizeof frames / sizeof *frames };

int keeper_put(struct sbuf *b, const struct keeper_frame *f)
{
	sbuf_clear(b);
	for (size_t i = 0; i < FRAMES; i++)
		if (frames[i].what == f->what)
			return sbuf_catc(b, f->what) == -1 ? -1 : frames[i].put(b, f);
	return bad();
}

int keeper_get(struct keeper_frame *f, const char *p, size_t n)
{
	struct cursor c;
	uint8_t what;

	*f = (struct keeper_frame){0};
	cur_init(&c, p, n);
	if (cur_u8(&c, &what) == -1)
		return -1;
	for (size_t i = 0; i < FRAMES; i++)
		if (frames[i].what == (char)what) {
			f->what = (char)what;
			return frames[i].get(&c, f) == -1 ? -1 : cur_end(&c);
		}
	return bad();
}

/* ---- the client ---- */

static int connect_door(char ask)
{
	int fd = usock_connect("qsend-ctl", SOCK_SEQPACKET);

	if (fd != -1 || ask != KEEPER_LIST || (errno != EACCES && errno != EPERM))
		return fd;
	return usock_connect("qsend-list", SOCK_SEQPACKET);
}

int keeper_ask(const struct keeper_request *r)
{
	struct sbuf b = SBUF_INIT(64);
	int fd = connect_door(r->ask);

	if (fd != -1 &&
	    (keeper_put_request(&b, r) == -1 || usock_send(fd, b.p, b.len, -1) == -1)) {
		int e = errno;

		(void)close(fd);
		errno = e;
		fd = -1;
	}
	sbuf_free(&b);
	return fd;
}

int keeper_next(int fd, struct keeper_frame *f, char *buf, int64_t deadline)
{
	ssize_t n;

	if (fd_wait(fd, POLLIN, deadline) == -1)
		return -1;
	n = usock_recv(fd, buf, LIMIT_FRAME, NULL);
	if (n == 0)
		errno = EPIPE;
	return n <= 0 ? -1 : keeper_get(f, buf, (size_t)n);
}
