/* tlsgate: frames of requests and facts, and what the caller makes of every answer. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exact.h"
#include "service.h"

#include "clock.h"
#include "sbuf.h"
#include "tlsgate.h"
#include "usock.h"

#define F(s) (s), sizeof(s) - 1

/* ---- requests ---- */

static const struct {
	const char *name;
	const char *frame;
	size_t n;
	int wanted;
} requests[] = {
    {"server", F("S\0\0\0\x75\x30\0"), 0},
    {"server, all flags", F("S\7\0\0\0\0smtp\0"), 0},
    {"client", F("C\1\0\0\1\0\0\0O\0\0\0"), 0},
    {"by name", F("C\1\0\0\1\0\0mx\0N\2mx\0x.example\0\0\0"), 0},
    {"by key",
     F("C\1\0\0\1\0\0\0P\0\1"
       "0123456789abcdef0123456789abcdef\0"),
     0},
    {"by record", F("C\1\0\0\1\0\0mx\0D\1mx\0\0\1\3\1\1\0\2ab"), 0},
    {"by an empty record", F("C\1\0\0\1\0\0mx\0D\1mx\0\0\1\3\1\1\0\0"), 0},
    {"empty", F(""), -1},
    {"kind alone", F("S"), -1},
    {"unknown kind", F("T\0\0\0\1\0\0"), -1},
    {"unknown flag", F("S\10\0\0\1\0\0"), -1},
    {"no ALPN", F("S\0\0\0\1\0"), -1},
    {"endless ALPN", F("S\0\0\0\1\0smtp"), -1},
    {"long ALPN",
     F("S\0\0\0\1\0"
       "012345678901234567890123456789012\0"),
     -1},
    {"trailing byte", F("S\0\0\0\1\0\0x"), -1},
    {"server with a client's part", F("S\0\0\0\1\0\0\0O\0\0\0"), -1},
    {"client without its part", F("C\0\0\0\1\0\0"), -1},
    {"unknown way", F("C\1\0\0\1\0\0\0X\0\0\0"), -1},
    {"by name without one", F("C\1\0\0\1\0\0\0N\0\0\0"), -1},
    {"by an empty name", F("C\1\0\0\1\0\0\0N\1\0\0\0"), -1},
    {"by key without one", F("C\1\0\0\1\0\0\0P\0\0\0"), -1},
    {"by record without one", F("C\1\0\0\1\0\0\0D\0\0\0"), -1},
    {"nine names",
     F("C\1\0\0\1\0\0\0O\x09"
       "a\0a\0a\0a\0a\0a\0a\0a\0a\0\0\0"),
     -1},
    {"names missing", F("C\1\0\0\1\0\0\0O\2a\0"), -1},
    {"half a key",
     F("C\1\0\0\1\0\0\0P\0\1"
       "0123456789abcdef0123456789abcde"),
     -1},
    {"half a record", F("C\1\0\0\1\0\0mx\0D\1mx\0\0\1\3\1\1\0\3ab"), -1},
    {"a large record", F("C\1\0\0\1\0\0mx\0D\1mx\0\0\1\3\1\1\377\377ab"), -1},
    {"seventeen records", F("C\1\0\0\1\0\0mx\0D\1mx\0\0\21\3\1\1\0\2ab"), -1},
};

static void reads_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(requests); i++) {
		char *copy = exact(requests[i].frame, requests[i].n);
		struct sbuf again = SBUF_INIT(LIMIT_FRAME);
		struct tls_want w;

		if (tlsgate_get(&w, copy, requests[i].n) != requests[i].wanted)
			fail_msg("%s", requests[i].name);
		if (requests[i].wanted == 0) {
			assert_int_equal(tlsgate_put(&again, &w), 0);
			assert_int_equal(again.len, requests[i].n);
			assert_memory_equal(again.p, copy, again.len);
		}
		sbuf_free(&again);
		free(copy);
	}
}

static void writes_what_is_missing_as_empty(void **state)
{
	struct tls_want w = {.flags = TLS_GO, .timeout_ms = 1, .verify = TLS_NONE};
	struct sbuf b = SBUF_INIT(LIMIT_FRAME);

	(void)state;
	assert_int_equal(tlsgate_put(&b, &w), 0);
	assert_int_equal(b.len, 12);
	assert_memory_equal(b.p, "C\1\0\0\0\1\0\0O\0\0\0", 12);
	sbuf_clear(&b);
	w.nnames = TLS_NAMES + 1;
	assert_int_equal(tlsgate_put(&b, &w), -1);
	assert_int_equal(errno, EMSGSIZE);
	sbuf_free(&b);
}

/* ---- facts ---- */

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *name;
	const char *frame;
	size_t n;
	int wanted;
} facts[] = {
    {"server", F("+TLSv1.3\0AES\0\0\0\0\0\0mx.example\0"), 0},
    {"client", F("+TLSv1.2\0AES\0\1\0\2\3" KEY "\0mx\0"), 0},
    {"why", F("+TLSv1.2\0AES\0\0hostname mismatch\0\0\377\0\0"), 0},
    {"empty", F(""), -1},
    {"letter alone", F("+"), -1},
    {"another letter", F("-TLSv1.3\0AES\0\0\0\0\0\0mx.example\0"), -1},
    {"short", F("+TLSv1.3\0AES\0\0\0\0\0\0mx.example"), -1},
    {"trailing byte", F("+TLSv1.3\0AES\0\0\0\0\0\0mx.example\0x"), -1},
    {"half verified", F("+TLSv1.3\0AES\0\2\0\0\0\0mx.example\0"), -1},
    {"a short key",
     F("+TLSv1.3\0AES\0\0\0\0\0"
       "0123\0mx.example\0"),
     -1},
    {"no hex",
     F("+TLSv1.3\0AES\0\0\0\0\0"
       "X123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\0\0"),
     -1},
    {"a long version", F("+TLSv1.3.4.5.6.7.8\0AES\0\0\0\0\0\0mx.example\0"), -1},
};

static void reads_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(facts); i++) {
		char *copy = exact(facts[i].frame, facts[i].n);
		struct sbuf again = SBUF_INIT(LIMIT_FRAME);
		struct tls_facts f;

		if (tlsgate_facts_get(&f, copy, facts[i].n) != facts[i].wanted)
			fail_msg("%s", facts[i].name);
		if (facts[i].wanted == 0) {
			assert_int_equal(tlsgate_facts_put(&again, &f), 0);
			assert_int_equal(again.len, facts[i].n);
			assert_memory_equal(again.p, copy, again.len);
		} else
			assert_int_equal(f.version[0], '\0');
		sbuf_free(&again);
		free(copy);
	}
}

static void facts_are_clean(void **state)
{
	static const char frame[] = "+TLS\r\nv\0A\x1b[\0\0\xc3\xa9\0\0\377\0a b\n\0";
	struct tls_facts f;

	(void)state;
	assert_int_equal(tlsgate_facts_get(&f, frame, sizeof frame - 1), 0);
	assert_string_equal(f.version, "TLS??v");
	assert_string_equal(f.cipher, "A?[");
	assert_string_equal(f.why, "??");
	assert_string_equal(f.name, "a b?");
}

/* ---- the caller ---- */

static int make_home(void **state)
{
	(void)state;
	return service_begin("/tls-server");
}

static int remove_home(void **state)
{
	(void)state;
	return service_end("/tls-server");
}

/* What a service says, each as one frame; first and second: before and behind go. */
struct script {
	const char *first;
	size_t nfirst;
	const char *second;
	size_t nsecond;
	int pass; /* a descriptor goes with the second */
	int deaf; /* closes with the request unread */
};

static _Noreturn void act(int listener, const struct script *s)
{
	char frame[LIMIT_FRAME];
	int tcp = -1;
	int fd;

	while ((fd = accept(listener, NULL, NULL)) == -1)
		;
	while (!s->deaf && usock_recv(fd, frame, sizeof frame, &tcp) == -1)
		;
	if (!s->deaf && tcp == -1)
		_exit(1);
	if (s->nfirst > 0)
		(void)usock_send(fd, s->first, s->nfirst, -1);
	while (s->nsecond > 0 && s->nfirst > 0 && usock_recv(fd, frame, 1, NULL) == -1)
		;
	if (s->nsecond > 0)
		(void)usock_send(fd, s->second, s->nsecond, s->pass ? tcp : -1);
	_exit(0);
}

struct played {
	int opened, went, plain;
	int e;
	struct tlsgate g;
	struct tls_facts f;
};

static void play(const struct script *s, unsigned flags, struct played *p)
{
	const struct tls_want w = {.server = 1, .flags = flags, .timeout_ms = 1000};
	int lock;
	int listener = usock_listen_locked("tls-server", SOCK_SEQPACKET, 0600, &lock);
	int pair[2];
	pid_t pid;
	int status;

	memset(p, 0, sizeof *p);
	p->went = p->plain = -1;
	assert_int_not_equal(listener, -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	if (pid == 0)
		act(listener, s);
	if (s->deaf) /* what it says is there before the request */
		(void)usleep(1000);
	p->opened =
	    tlsgate_open(&p->g, "tls-server", &w, pair[0], clock_mono_ms() + 60000);
	if (p->opened == 0 && (flags & TLS_GO) == 0)
		p->went = tlsgate_go(&p->g);
	if (p->opened == 0)
		p->plain = tlsgate_result(&p->g, &p->f, clock_mono_ms() + 60000);
	p->e = errno;
	(void)close(listener);
	(void)close(lock);
	(void)close(pair[0]);
	(void)close(pair[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(p->g.fd, -1);
}

#define GOOD "+TLSv1.3\0AES\0\0\0\0\0\0mx.example\0"

static const struct {
	const char *name;
	struct script script;
	unsigned flags;
	int opened, good;
	char letter;
	const char *text;
	int e;
} plays[] = {
    {"good", {F("R"), F(GOOD), 1, 0}, 0, 0, 1, 0, "", 0},
    {"good at once", {F(""), F(GOOD), 1, 0}, TLS_GO, 0, 1, 0, "", 0},
    {"busy", {F("-Btoo many\0"), F(""), 0, 0}, 0, -1, 0, 'B', "too many", EBUSY},
    {"busy at once",
     {F(""), F("-Btoo many\0"), 0, 0},
     TLS_GO,
     0,
     0,
     'B',
     "too many",
     EBUSY},
    {"busy, deaf", {F("-Btoo many\0"), F(""), 0, 1}, 0, -1, 0, 'B', "too many", EBUSY},
    {"plaintext", {F("R"), F("-Poh\0"), 0, 0}, 0, 0, 0, 'P', "oh", EPROTO},
    {"too late", {F("R"), F("-Tx\0"), 0, 0}, 0, 0, 0, 'T', "x", ETIMEDOUT},
    {"failed", {F("R"), F("-Hbad\r\nline\0"), 0, 0}, 0, 0, 0, 'H', "bad  line", EPROTO},
    {"lost", {F("R"), F("-L\0"), 0, 0}, 0, 0, 0, 'L', "", ECONNRESET},
    {"untrusted", {F("R"), F("-Vwho\0"), 0, 0}, 0, 0, 0, 'V', "who", EACCES},
    {"says nothing", {F(""), F(""), 0, 0}, 0, -1, 0, 0, "", ECONNRESET},
    {"ends behind ready", {F("R"), F(""), 0, 0}, 0, 0, 0, 0, "", ECONNRESET},
    {"unknown answer", {F("X"), F(""), 0, 0}, 0, -1, 0, 0, "", EBADMSG},
    {"long ready", {F("RR"), F(""), 0, 0}, 0, -1, 0, 0, "", EBADMSG},
    {"unknown letter", {F("-Xa\0"), F(""), 0, 0}, 0, -1, 0, 0, "", EBADMSG},
    {"no letter", {F("-"), F(""), 0, 0}, 0, -1, 0, 0, "", EBADMSG},
    {"no NUL", {F("-Ba"), F(""), 0, 0}, 0, -1, 0, 0, "", EBADMSG},
    {"no socket", {F("R"), F(GOOD), 0, 0}, 0, 0, 0, 0, "", EBADMSG},
    {"bad facts", {F("R"), F("+x"), 1, 0}, 0, 0, 0, 0, "", EBADMSG},
    {"no with a socket", {F("R"), F("-Hx\0"), 1, 0}, 0, 0, 0, 0, "", EBADMSG},
};

static void plays_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(plays); i++) {
		struct played p;

		play(&plays[i].script, plays[i].flags, &p);
		if (p.opened != plays[i].opened || (p.plain != -1) != plays[i].good ||
		    p.g.letter != plays[i].letter || strcmp(p.g.text, plays[i].text) != 0)
			fail_msg("%s: opened %d, plain %d, letter %d, text %s",
				 plays[i].name, p.opened, p.plain, p.g.letter, p.g.text);
		if (!plays[i].good && p.e != plays[i].e)
			fail_msg("%s: %s", plays[i].name, strerror(p.e));
		if (p.plain != -1) {
			assert_string_equal(p.f.name, "mx.example");
			(void)close(p.plain);
		}
	}
}

static void nobody_serves(void **state)
{
	const struct tls_want w = {.server = 1};
	struct tlsgate g;

	(void)state;
	assert_int_equal(tlsgate_open(&g, "tls-nowhere", &w, 0, CLOCK_NEVER), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(g.letter, 0);
	assert_int_equal(g.fd, -1);
	tlsgate_close(&g);
}

static void does_not_wait_for_ever(void **state)
{
	const struct tls_want w = {.server = 1};
	int lock;
	int listener = usock_listen_locked("tls-server", SOCK_SEQPACKET, 0600, &lock);
	struct tlsgate g;

	(void)state;
	assert_int_equal(tlsgate_open(&g, "tls-server", &w, 0, clock_mono_ms() + 50), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(g.fd, -1);
	(void)close(listener);
	(void)close(lock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_requests),
	    cmocka_unit_test(writes_what_is_missing_as_empty),
	    cmocka_unit_test(reads_facts),
	    cmocka_unit_test(facts_are_clean),
	    cmocka_unit_test(plays_all),
	    cmocka_unit_test(nobody_serves),
	    cmocka_unit_test(does_not_wait_for_ever),
	};

	return cmocka_run_group_tests_name("tlsgate", tests, make_home, remove_home);
}
