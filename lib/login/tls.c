/* What comes behind the command that starts TLS, in the clear, ends the session: here
 * what is there already, in qtls what comes before the handshake. */
#include <poll.h>
#include <unistd.h>

#include "clock.h"
#include "login/login.h"
#include "tlsgate.h"

static int open_gate(struct login *l, struct tlsgate *g, unsigned flags)
{
	const struct tls_want want = {.server = 1,
				      .flags = flags,
				      .timeout_ms = TLSGATE_SHAKE_MS,
				      .alpn = l->service};

	return tlsgate_serve(g, "tls-login", &want, l->in,
			     clock_mono_ms() + TLSGATE_DOOR_MS);
}

/* From here on the connection is qtls's: what fails ends the session without a word. */
static void finish(struct login *l, struct tlsgate *g)
{
	struct tls_facts facts;
	int plain;

	(void)close(l->in);
	if (l->out != l->in)
		(void)close(l->out);
	plain = tlsgate_result(g, &facts, clock_mono_ms() + TLSGATE_RESULT_MS);
	l->in = l->out = plain;
	if (plain == -1) {
		login_refuse(l, g->letter != '\0' ? g->text : "no answer from qtls");
		l->over = OVER_ENDED;
		return;
	}
	l->tls_on = l->is_socket = l->may_clear = 1;
}

int login_tls_at_once(struct login *l)
{
	struct tlsgate g;

	if (open_gate(l, &g, TLS_GO) == -1)
		return -1;
	finish(l, &g);
	return 0;
}

int login_starttls(struct login *l, const char *go)
{
	struct pollfd p = {l->in, POLLIN, 0};
	struct tlsgate g;

	if (poll(&p, 1, 0) != 0) {
		login_refuse(l, "talks before the reply");
		l->over = OVER_CUT;
		return 0;
	}
	if (open_gate(l, &g, 0) == -1)
		return -1;
	login_say(l, "%s", go);
	if (!l->over && tlsgate_go(&g) == 0)
		finish(l, &g);
	else {
		tlsgate_close(&g);
		l->over = OVER_ENDED;
	}
	return 0;
}
