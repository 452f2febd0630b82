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

enum { ID_BYTES = QID_LEN + 1 };

static const char with_ids[] = "rhudmt";
static const char with_channel[] = "pc";
static const char alone[] = "ls";

static int is_one_of(const char *set, char ask)
{
	return ask != '\0' && strchr(set, ask) != NULL;
}

int keeper_put_request(struct sbuf *b, const struct keeper_request *r)
{
	sbuf_clear(b);
	if (sbuf_catc(b, r->ask) == -1)
		return -1;
	if (is_one_of(with_ids, r->ask))
		return r->n > 0 ? sbuf_cat(b, r->ids, r->n * ID_BYTES) : 0;
	if (is_one_of(with_channel, r->ask))
		return put_u8(b, r->channel);
	return 0;
}

static int get_ids(struct cursor *c, struct keeper_request *r)
{
	r->n = c->len / ID_BYTES;
	if (r->n > KEEPER_IDS || (r->n == 0 && r->ask != KEEPER_RETRY) ||
	    cur_bytes(c, r->n * ID_BYTES, &r->ids) == -1)
		return bad();
	for (size_t i = 0; i < r->n; i++) {
		uint64_t ns;

		if (keeper_id(r, i)[QID_LEN] != '\0' ||
		    qid_parse(keeper_id(r, i), &ns) == -1)
			return bad();
	}
	return cur_end(c);
}

int keeper_get_request(struct keeper_request *r, const char *p, size_t n)
{
	struct cursor c;
	uint8_t ask;

	*r = (struct keeper_request){0};
	cur_init(&c, p, n);
	if (cur_u8(&c, &ask) == -1)
		return -1;
	r->ask = (char)ask;
	if (is_one_of(with_ids, r->ask))
		return get_ids(&c, r);
	if (is_one_of(with_channel, r->ask)) {
		if (cur_u8(&c, &r->channel) == -1 || r->channel > 1)
			return bad();
	} else if (!is_one_of(alone, r->ask))
		return bad();
	return cur_end(&c);
}

/* ---- answers: one function each way for each frame ---- */

static int put_message(struct sbuf *b, const struct keeper_frame *f)
{
	if (sbuf_catz(b, f->id) == -1 || put_u64(b, f->birth) == -1 ||
	    put_u64(b, f->size) == -1 || put_u32(b, f->uid) == -1 ||
	    put_u64(b, f->next) == -1 || put_u32(b, f->attempts) == -1 ||
	    put_u32(b, f->recipients) == -1 || put_u8(b, f->held) == -1)
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
	(void)cur_u8(c, &f->held);
	if (cur_str(c, LIMIT_ADDRESS, &f->sender) == -1)
		return -1;
	if (f->held > 1)
		return bad();
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

static int put_channel(struct sbuf *b, const struct keeper_channel *c)
{
	if (put_u32(b, c->running) == -1 || put_u32(b, c->limit) == -1 ||
	    put_u64(b, c->waiting) == -1 || put_u8(b, c->paused) == -1 ||
	    put_u64(b, c->delivered) == -1 || put_u64(b, c->failed) == -1)
		return -1;
	return put_u64(b, c->deferred);
}

static int get_channel(struct cursor *c, struct keeper_channel *ch)
{
	(void)cur_u32(c, &ch->running);
	(void)cur_u32(c, &ch->limit);
	(void)cur_u64(c, &ch->waiting);
	if (cur_u8(c, &ch->paused) == -1 || ch->paused > 1)
		return bad();
	(void)cur_u64(c, &ch->delivered);
	(void)cur_u64(c, &ch->failed);
	return cur_u64(c, &ch->deferred);
}

static int put_stat(struct sbuf *b, const struct keeper_frame *f)
{
	if (put_u64(b, f->started) == -1 || put_u64(b, f->messages) == -1 ||
	    put_u64(b, f->messages_held) == -1 || put_u32(b, f->loaded) == -1 ||
	    put_u32(b, f->bounces) == -1 || put_u32(b, f->resting) == -1 ||
	    put_u64(b, f->oldest) == -1 || put_u64(b, f->overdue) == -1 ||
	    put_u64(b, f->stalled) == -1 || put_u64(b, f->deliveries) == -1 ||
	    put_u64(b, f->accepted) == -1 || put_u64(b, f->bytes) == -1 ||
	    put_u64(b, f->ended) == -1 || put_u64(b, f->notifications) == -1 ||
	    put_u64(b, f->removed) == -1 || put_u64(b, f->bad) == -1)
		return -1;
	return put_channel(b, &f->ch[0]) == -1 ? -1 : put_channel(b, &f->ch[1]);
}

static int get_stat(struct cursor *c, struct keeper_frame *f)
{
	(void)cur_u64(c, &f->started);
	(void)cur_u64(c, &f->messages);
	(void)cur_u64(c, &f->messages_held);
	(void)cur_u32(c, &f->loaded);
	(void)cur_u32(c, &f->bounces);
	(void)cur_u32(c, &f->resting);
	(void)cur_u64(c, &f->oldest);
	(void)cur_u64(c, &f->overdue);
	(void)cur_u64(c, &f->stalled);
	(void)cur_u64(c, &f->deliveries);
	(void)cur_u64(c, &f->accepted);
	(void)cur_u64(c, &f->bytes);
	(void)cur_u64(c, &f->ended);
	(void)cur_u64(c, &f->notifications);
	(void)cur_u64(c, &f->removed);
	(void)cur_u64(c, &f->bad);
	return get_channel(c, &f->ch[0]) == -1 ? -1 : get_channel(c, &f->ch[1]);
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

static int get_letters(struct cursor *c, struct keeper_frame *f)
{
	if (cur_str(c, KEEPER_IDS, &f->text) == -1)
		return -1;
	return strspn(f->text, "KWNHZ") == strlen(f->text) ? 0 : bad();
}

static const struct {
	char what;
	int (*put)(struct sbuf *b, const struct keeper_frame *f);
	int (*get)(struct cursor *c, struct keeper_frame *f);
} frames[] = {
    {'M', put_message, get_message}, {'R', put_recipient, get_recipient},
    {'S', put_stat, get_stat},       {'E', put_end, get_end},
    {'K', put_count, get_count},     {'Z', put_text, get_text},
    {'A', put_text, get_letters},
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

int keeper_again(int fd, const struct keeper_request *r)
{
	struct sbuf b = SBUF_INIT(KEEPER_REQUEST);
	int done = keeper_put_request(&b, r);

	if (done == 0)
		done = usock_send(fd, b.p, b.len, -1);
	sbuf_free(&b);
	return done;
}

int keeper_ask(const struct keeper_request *r)
{
	int fd = connect_door(r->ask);

	if (fd != -1 && keeper_again(fd, r) == -1) {
		int e = errno;

		(void)close(fd);
		errno = e;
		fd = -1;
	}
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
