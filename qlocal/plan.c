#include "plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "sbuf.h"

static int parse(struct plan *p, const char *what, struct sbuf *text, struct answer *a)
{
	if (sbuf_str(text) != NULL && dot_parse(&p->list, text->p, text->len) == 0)
		return 0;
	answer_set(a, LATER, "%s: %s (#4.3.5)", what,
		   text->p == NULL ? strerror(errno) : p->list.error);
	return -1;
}

static int use_default(struct plan *p, const struct settings *s, struct answer *a)
{
	struct sbuf text = SBUF_INIT(LIMIT_DOTFILE);
	int r;

	p->is_default = 1;
	r = sbuf_cats(&text, s->delivery);
	if (r == -1)
		answer_errno(a, "use", "control/defaultdelivery");
	else
		r = parse(p, "control/defaultdelivery", &text, a);
	sbuf_free(&text);
	return r;
}

static int use_file(struct plan *p, struct sbuf *text, struct answer *a)
{
	p->list.forward_only = p->file.forward_only;
	return parse(p, p->file.name, text, a);
}

static int use_dotfile(struct plan *p, const struct plan_for *w, const struct settings *s,
		       struct answer *a)
{
	struct sbuf text = SBUF_INIT(LIMIT_DOTFILE + 4096);
	int found = dotfile_read(&p->file, w->home, w->dash, w->ext, &text);
	int r = -1;

	if (found == -1)
		answer_set(a, LATER, "%s", p->file.error);
	else if (found == 0 && *w->dash != '\0' && !addr_is_role(w->local))
		answer_set(a, NEVER, "sorry, no mailbox here by that name (#5.1.1)");
	else if (found == 0 || text.len == 0)
		r = use_default(p, s, a);
	else
		r = use_file(p, &text, a);
	sbuf_free(&text);
	return r;
}

/* Bounces of what is forwarded go to the list's owner, if the list has one. With a
 * -default owner each recipient's bounce comes back to an address of its own: qsend
 * puts the recipient where the sender ends in -@[]. */
static int set_newsender(struct plan *p, const struct plan_for *w, struct answer *a)
{
	struct dotfile owner;
	int r = 0;

	if (*w->alias == '\0' && *w->sender != '\0' && strcmp(w->sender, "#@[]") != 0)
		r = dotfile_owner(&owner, w->home, w->dash, w->ext);
	if (r == -1) {
		answer_set(a, LATER, "%s", owner.error);
		return -1;
	}
	if (r == 0)
		(void)snprintf(p->newsender, sizeof p->newsender, "%s", w->sender);
	else
		(void)snprintf(p->newsender, sizeof p->newsender,
			       r == 2 ? "%s-owner-@%s-@[]" : "%s-owner@%s", w->local,
			       w->host);
	return 0;
}

int plan_make(struct plan *p, const struct plan_for *w, const struct settings *s,
	      struct answer *a)
{
	dot_init(&p->list);
	p->is_default = 0;
	p->file.matched = NULL;
	if (set_newsender(p, w, a) == -1)
		return -1;
	return *w->alias != '\0' ? plan_alias(p, w->alias, a) : use_dotfile(p, w, s, a);
}

void plan_free(struct plan *p)
{
	dot_free(&p->list);
}
