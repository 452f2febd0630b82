#include "watching.h"

#include "clock.h"
#include "io.h"
#include "notify.h"
#include "notify_watched.h"
#include "prog.h"
#include "session.h"
#include "update.h"

static struct watch watch;
static int is_on;
static int selected = -1; /* the open mailbox in watch */

struct watch *watching(void)
{
	if (!is_on)
		watch_init(&watch);
	is_on = 1;
	return &watch;
}

void watching_left(void)
{
	if (selected != -1)
		watch_remove(&watch, selected);
	selected = -1;
}

static void watch_selected(void)
{
	if (session.state != ST_SELECTED || selected != -1)
		return;
	selected = watch_add(watching(), session.box.dir);
	if (selected == -1)
		warn_sys2("watch", session.folder);
}

/* Which changes may be told now. */
static unsigned allowed(int idle)
{
	if (idle)
		return UPDATE_EXPUNGE | UPDATE_FLAGS;
	return (notify_selected() == NOTIFY_NOW ? UPDATE_EXPUNGE : 0) |
	       (notify_selected_flags() ? UPDATE_FLAGS : 0);
}

static void tell_selected(int idle)
{
	if (session.state != ST_SELECTED)
		return;
	(void)update_look();
	update_tell_some(allowed(idle));
	take_forget();
}

/* What the watch has seen: 1: something in the open mailbox. Others are NOTIFY's. */
static int hear(void)
{
	int id;
	int is_selected = 0;

	while ((id = watch_next(watching())) != -1)
		if (id == selected)
			is_selected = 1;
		else
			watched_changed(id);
	return is_selected;
}

/* A client that always has another command must not miss what NOTIFY promised. What is new in
 * the open mailbox the next wait sees. */
static void hear_of_others(void)
{
	if (notify_timeout() == -1)
		return;
	(void)hear();
	notify_tell();
}

static int sooner(int a, int b)
{
	return a == -1 || (b != -1 && b < a) ? b : a;
}

int watching_wait(int idle, int64_t deadline)
{
	int64_t alive = clock_mono_ms() + WATCHING_ALIVE;
	int tells = idle || notify_selected() != NOTIFY_NOTHING;

	if (tells)
		watch_selected();
	/* What happened before the watch was set is seen by this look. */
	if (tells)
		tell_selected(idle);
	if (session.want_logout)
		return 0;
	session_rest();
	for (;;) {
		int64_t until = clock_sooner(alive, deadline);
		int ms = sooner(watch_timeout(watching()), clock_left_ms(until));
		int what = io_wait(watching()->fd, sooner(ms, notify_timeout()));

		if (what & IO_INPUT) {
			hear_of_others();
			return 1;
		}
		if (hear() && tells)
			tell_selected(idle);
		notify_tell();
		if (session.want_logout || clock_left_ms(deadline) == 0)
			return 0;
		if (clock_left_ms(alive) > 0)
			continue;
		if (idle)
			io_puts("* OK Still here\r\n");
		alive = clock_mono_ms() + WATCHING_ALIVE;
	}
}
