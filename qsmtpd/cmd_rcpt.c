/* RCPT (RFC 5321 4.1.1.3). */
#include <string.h>

#include "addr.h"
#include "ask.h"
#include "dsnparam.h"
#include "policy.h"
#include "qfile.h"
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
	case SAY_FULL:
	case SAY_FULL_LATER:
		return "full";
	case SAY_SENDER_REFUSED:
		return "badmailfrom";
	default:
		return "address";
	}
}

/* RFC 3461 4.1 */
static enum reply param_notify(struct params *p, const char *value)
{
	return dsn_notify(value, &p->notify) == 0 ? SAY_OK : SAY_BAD_ARGUMENT;
}

/* RFC 3461 4.2 */
static enum reply param_orcpt(struct params *p, const char *value)
{
	p->orcpt = value;
	return dsn_orcpt(value) == 0 ? SAY_OK : SAY_BAD_ARGUMENT;
}

static const struct param params[] = {{"NOTIFY", param_notify, OF_DSN},
				      {"ORCPT", param_orcpt, OF_DSN},
				      {NULL, NULL, OF_ALL}};

/* The transaction's state, the address's form, the parameters. */
static enum reply parse(const struct session *s, char *arg, char *rcpt, int *routed,
			struct params *p)
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
	return cmd_params(p, params, rest);
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
	case ASK_FULL:
		return SAY_FULL;
	case ASK_FULL_LATER:
		return SAY_FULL_LATER;
	default:
		return open ? SAY_OK : SAY_RCPT_LATER;
	}
}

/* Room is made beforehand: half a recipient would be a torn envelope. */
static int put(struct session *s, const char *rcpt, const struct params *p)
{
	const char *orcpt = p->orcpt != NULL ? p->orcpt : "";
	char notify[4];

	if (sbuf_reserve(&s->env, 2 + strlen(rcpt) + 2 + 3 + 2 + strlen(orcpt)) == -1 ||
	    sbuf_field(&s->env, 'T', rcpt) == -1 ||
	    (p->notify != 0 &&
	     sbuf_field(&s->env, 'N', notify_text(p->notify, notify)) == -1) ||
	    (*orcpt != '\0' && sbuf_field(&s->env, 'O', orcpt) == -1))
		return -1;
	return 0;
}

static enum reply keep(struct session *s, const char *rcpt, const struct params *p)
{
	if (put(s, rcpt, p) == -1)
		return SAY_TOO_MANY_RCPTS;
	if (s->nrcpts++ == 0)
		memcpy(s->first_rcpt, rcpt, strlen(rcpt) + 1);
	return SAY_RCPT_OK;
}

void cmd_rcpt(struct session *s, char *arg)
{
	char rcpt[LIMIT_ADDRESS + 1] = "";
	struct params p = {.cfg = &s->cfg};
	int routed = 0;
	enum reply r = parse(s, arg, rcpt, &routed, &p);

	if (r == SAY_OK) {
		r = judge(s, rcpt, routed);
		if (r != SAY_OK)
			session_log_refusal(s, reason(r), rcpt);
	}
	reply(s, r == SAY_OK ? keep(s, rcpt, &p) : r);
}
