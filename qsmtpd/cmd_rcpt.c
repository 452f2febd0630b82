/* RCPT (RFC 5321 4.1.1.3). */
#include <string.h>

#include "addr.h"
#include "ask.h"
#include "policy.h"
#include "session.h"

static const char *reason(enum reply r)
{
	switch (r) {
	case SAY_NO_RELAY:
		return "relay";
	case SAY_PROBE:
		return "relay probe";
	case SAY_NO_SUCH_USER:
		return "no such user";
	case SAY_SENDER_REFUSED:
		return "badmailfrom";
	default:
		return "address";
	}
}

/* The transaction's state and the address's form. */
static enum reply parse(struct session *s, char *arg, char *rcpt, int *routed)
{
	char *rest;

	if (!s->has_sender)
		return SAY_MAIL_FIRST;
	if (s->nrcpts >= s->cfg.maxrcpt)
		return SAY_TOO_MANY_RCPTS;
	if (!cmd_is_ascii(arg))
		return SAY_EIGHT_BIT;
	if (cmd_path(arg, "TO:", rcpt, routed, &rest) == -1 || rcpt[0] == '\0')
		return SAY_BAD_RCPT;
	return *rest == '\0' ? SAY_OK : SAY_BAD_PARAMETER;
}

/* Ours or the client's right; then, whether there is such a user. Two names hear those
 * who are refused otherwise, and also while qrcpt is away. */
static enum reply judge(struct session *s, char *rcpt, int routed)
{
	enum reply r = policy_rcpt(&s->cfg, &s->peer, rcpt, routed);
	int open = addr_is_role(rcpt);

	if (r != SAY_OK)
		return r;
	if (!open && policy_is_bad_sender(&s->cfg, s->sender))
		return SAY_SENDER_REFUSED;
	switch (ask_rcpt(s, rcpt)) {
	case ASK_YES:
		return SAY_OK;
	case ASK_NO:
		return SAY_NO_SUCH_USER;
	default:
		return open ? SAY_OK : SAY_RCPT_LATER;
	}
}

static enum reply keep(struct session *s, const char *rcpt)
{
	if (sbuf_reserve(&s->env, strlen(rcpt) + 2) == -1 ||
	    sbuf_catc(&s->env, 'T') == -1 || sbuf_catz(&s->env, rcpt) == -1)
		return SAY_TOO_MANY_RCPTS;
	if (s->nrcpts++ == 0)
		memcpy(s->first_rcpt, rcpt, strlen(rcpt) + 1);
	return SAY_RCPT_OK;
}

void cmd_rcpt(struct session *s, char *arg)
{
	char rcpt[LIMIT_ADDRESS + 1] = "";
	int routed = 0;
	enum reply r = parse(s, arg, rcpt, &routed);

	if (r == SAY_OK) {
		r = judge(s, rcpt, routed);
		if (r != SAY_OK)
			session_log_refusal(s, reason(r), rcpt);
	}
	reply(s, r == SAY_OK ? keep(s, rcpt) : r);
}
