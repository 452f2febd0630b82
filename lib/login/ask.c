/* Who judges, and starts the server. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "clock.h"
#include "login/login.h"

enum {
	AUTH_MS = 90000, /* qauth takes its time on purpose for who failed often */
	DOOR_MS = 3000,  /* a door that is shut may be a restart */
	DOOR_PAUSE_MS = 100,
};

static int is_lost(int e)
{
	return e == EPIPE || e == ECONNRESET;
}

/* A question that was lost is not asked again: the server may run already. */
static enum auth_answer ask_qauth(const struct auth_want *w, char out[LIMIT_TEXT + 1])
{
	int64_t until = clock_mono_ms() + DOOR_MS;

	for (;;) {
		enum auth_answer a;

		errno = 0;
		a = authask("qauth-login", w, out, clock_mono_ms() + AUTH_MS);
		if (a != AUTH_LATER || is_lost(errno) ||
		    (errno != ENOENT && errno != ECONNREFUSED) ||
		    clock_left_ms(until) == 0)
			return a;
		(void)poll(NULL, 0, DOOR_PAUSE_MS);
	}
}

/* The checker's process has the client's descriptors; but for TLS's. */
static enum auth_answer ask_checker(struct login *l, struct auth_want *w,
				    char out[LIMIT_TEXT + 1])
{
	if (!l->tls_on)
		w->session = -1;
	return authask_on(l->checker, w, out, CLOCK_NEVER);
}

enum auth_answer login_ask(struct login *l, const struct sasl *who, const char *word,
			   char out[LIMIT_TEXT + 1])
{
	struct auth_want w = {.service = l->service,
			      .client = l->client,
			      .user = who->user,
			      .password = who->password,
			      .word = word,
			      .session = l->in};
	enum auth_answer a =
	    l->checker != -1 ? ask_checker(l, &w, out) : ask_qauth(&w, out);

	l->attempts++;
	if (a == AUTH_NO && l->attempts >= LOGIN_ATTEMPTS)
		a = AUTH_CUT;
	if (a == AUTH_YES)
		l->over = OVER_PASSED_ON;
	return a;
}
