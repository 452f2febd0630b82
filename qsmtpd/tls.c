/* What comes behind the command STARTTLS in the client's packet was refused by the
 * caller (session.c: the last of a pipelined group); what comes before the handshake on
 * the wire is qtls's to refuse: it looks at the first byte behind the 220.
 */
#include "tls.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ascii.h"
#include "clock.h"
#include "paths.h"
#include "prog.h"
#include "session.h"
#include "tlsgate.h"

static const char service[] = "tls-server";

/* Clients of mail offer no protocol; a browser that a page has sent here does (ALPACA). */
static const char protocol[] = "smtp";

int tls_is_served(void)
{
	char path[LIMIT_PATH];
	struct stat st;

	return path_join(path, sizeof path, paths.run, "tls-server/sock") != NULL &&
	       stat(path, &st) == 0;
}

static int open_gate(struct session *s, struct tlsgate *g, unsigned flags)
{
	const struct tls_want want = {.server = 1,
				      .flags = flags | (s->cfg.has_keys ? TLS_ASK : 0),
				      .timeout_ms = TLSGATE_SHAKE_MS,
				      .alpn = protocol};

	return tlsgate_serve(g, service, &want, s->in.fd,
			     clock_mono_ms() + (tls_is_served() ? TLSGATE_DOOR_MS : 0));
}

/* A client certificate is worth its key's line in control/relaykeys, whoever signed it.
 */
static void look_for_key(struct session *s, const char *key)
{
	char hex[2 * TLS_KEYLEN + 1];
	size_t n = strlen(key);
	const char *name;
	size_t len;
	int r;

	if (!s->cfg.has_keys || n == 0 || n >= sizeof hex)
		return;
	ascii_copy_lower(hex, key, n);
	r = table_get(&s->cfg.keys, hex, n, &name, &len);
	if (r == -1)
		warn_sys("read relaykeys.cdb");
	if (r != 1)
		return;
	peer_clean(s->tls.key, sizeof s->tls.key, name[0] != '\0' ? name : "?");
	session_may_relay(s);
}

static void close_client(struct session *s)
{
	(void)close(s->in.fd);
	if (s->out.fd != s->in.fd)
		(void)close(s->out.fd);
	s->in.fd = s->out.fd = -1;
}

/* From here on the connection is qtls's: what fails ends the session without a word. */
static int finish(struct session *s, struct tlsgate *g)
{
	struct tls_facts facts;
	int plain;

	close_client(s);
	plain = tlsgate_result(g, &facts, clock_mono_ms() + TLSGATE_RESULT_MS);
	if (plain == -1) {
		session_log_refusal(
		    s, g->letter != '\0' ? g->text : "no answer from qtls", NULL);
		s->over = OVER;
		return -1;
	}
	rbuf_init(&s->in, plain, &s->out);
	obuf_init(&s->out, plain);
	s->tls.on = 1;
	peer_clean(s->tls.version, sizeof s->tls.version, facts.version);
	peer_clean(s->tls.cipher, sizeof s->tls.cipher, facts.cipher);
	look_for_key(s, facts.key);
	return 0;
}

int tls_at_once(struct session *s)
{
	struct tlsgate g;

	if (open_gate(s, &g, TLS_GO) == 0)
		return finish(s, &g);
	tlsgate_close(&g);
	s->over = OVER;
	return -1;
}

/* RFC 3207 4.2: as if nothing had been said. */
static void forget(struct session *s)
{
	session_reset(s);
	s->greeted = NO_HELO;
	s->helo[0] = '\0';
}

static void start(struct session *s, struct tlsgate *g)
{
	reply(s, SAY_TLS_GO);
	if (s->over || obuf_flush(&s->out) == -1 || tlsgate_go(g) == -1) {
		tlsgate_close(g);
		s->over = OVER;
		return;
	}
	if (finish(s, g) == 0)
		forget(s);
}

void cmd_starttls(struct session *s, char *arg)
{
	struct tlsgate g;

	if (!s->cfg.submission && !tls_is_served())
		reply(s, SAY_NOT_OFFERED);
	else if (s->tls.on)
		reply(s, SAY_TLS_TWICE);
	else if (arg[0] != '\0')
		reply(s, SAY_BAD_ARGUMENT);
	else if (s->greeted == NO_HELO)
		reply(s, SAY_HELO_FIRST);
	else if (open_gate(s, &g, 0) == 0)
		start(s, &g);
	else {
		tlsgate_close(&g);
		reply(s, SAY_TLS_LATER);
	}
}
