#include "notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "clock.h"
#include "fetch.h"
#include "io.h"
#include "list.h"
#include "notify_names.h"
#include "notify_set.h"
#include "notify_watched.h"

enum { LOOK_MS = 1000 };

static struct notify_set want;
static int is_on;
static struct folders known; /* as they were told */
static struct timespec root_time;
static int64_t looked;

int notify_is_on(void)
{
	return is_on;
}

enum notify_selected notify_selected(void)
{
	const struct notify_group *g = is_on ? notify_set_selected(&want) : NULL;

	if (g == NULL || !(g->events & EVENTS_MESSAGE))
		return NOTIFY_NOTHING;
	return g->whom == WHOM_SELECTED ? NOTIFY_NOW : NOTIFY_DELAYED;
}

int notify_selected_flags(void)
{
	const struct notify_group *g = is_on ? notify_set_selected(&want) : NULL;

	return g != NULL && (g->events & EVENT_FLAG);
}

static int has_others(void)
{
	return is_on && want.n > (notify_set_selected(&want) != NULL);
}

int notify_timeout(void)
{
	return has_others() ? LOOK_MS : -1;
}

static void end(void)
{
	watched_end();
	folders_free(&known);
	notify_set_free(&want);
	is_on = 0;
}

static void overflow(void)
{
	io_puts("* OK [NOTIFICATIONOVERFLOW] There is too much to watch.\r\n");
	end();
}

static struct timespec time_of_root(void)
{
	struct stat st = {0};

	(void)fstat(session.store.root, &st);
	return st.st_mtim;
}

static int start(void)
{
	root_time = time_of_root();
	looked = clock_mono_ms();
	return folders_read(&known, &session.store, 1, 0) == -1
		   ? -1
		   : watched_begin(&known, &want);
}

/* ---- names ---- */

static struct names_renamed renamed[WATCHED_MAX];
static size_t nrenamed;

static void find_renamed(const struct folders *fresh)
{
	static struct names_held held[WATCHED_MAX];

	nrenamed = names_renamed(renamed, held, watched_held(held), &known, fresh);
}

static int is_told_of_name(const struct folder *f)
{
	return (notify_set_events(&want, f) & EVENT_NAME) != 0;
}

/* 1: of the name that it had nothing need be said. */
static int goes_by_another(const char *name)
{
	for (size_t i = 0; i < nrenamed; i++)
		if (strcmp(renamed[i].old, name) == 0)
			return is_told_of_name(renamed[i].now);
	return 0;
}

static const char *old_name(const char *name)
{
	for (size_t i = 0; i < nrenamed; i++)
		if (strcmp(renamed[i].now->name, name) == 0)
			return renamed[i].old;
	return NULL;
}

static void tell_name(const struct folder *f, unsigned change)
{
	static const unsigned bits = LIST_EXTENDED | LIST_SUBSCRIBED;

	if (change == NAMES_SUBSCRIBED) {
		if (notify_set_events(&want, f) & EVENT_SUBSCRIPTION)
			list_put(f, bits, NULL);
	} else if (is_told_of_name(f) && (f->bits != 0 || !goes_by_another(f->name))) {
		list_put(f, bits, old_name(f->name));
	}
}

static void look_at_names(void)
{
	struct timespec now = time_of_root();
	struct folders fresh;

	if (now.tv_sec == root_time.tv_sec && now.tv_nsec == root_time.tv_nsec)
		return;
	root_time = now;
	if (folders_read(&fresh, &session.store, 1, 0) == -1)
		return;
	find_renamed(&fresh);
	if (names_differ(&known, &fresh, tell_name)) {
		watched_end();
		folders_free(&known);
		known = fresh;
		if (watched_begin(&known, &want) == -1)
			overflow();
		return;
	}
	folders_free(&fresh);
	if (watched_renew() == -1)
		overflow();
}

void notify_tell(void)
{
	if (!has_others())
		return;
	watched_tell();
	if (clock_mono_ms() - looked < LOOK_MS)
		return;
	looked = clock_mono_ms();
	look_at_names();
}

void notify_new(size_t from)
{
	const struct notify_group *g = is_on ? notify_set_selected(&want) : NULL;

	if (g != NULL && g->items != NULL)
		fetch_new(g->items, strlen(g->items), from);
}

/* ---- the command ---- */

static void begin(struct command *c)
{
	is_on = 1;
	if (has_others() && start() == -1) {
		overflow();
		no(c, "NOTIFICATIONOVERFLOW", "There is too much to watch.");
		return;
	}
	if (want.with_status)
		watched_tell_all();
	ok(c, "", "done");
}

void cmd_notify(struct command *c)
{
	static struct notify_set new;
	enum notify_taken r = TAKEN_NOT;

	if (take_space(&c->w) == 0) {
		if (take_word(&c->w, "NONE") == 0 && words_end(&c->w)) {
			end();
			ok(c, "", "done");
			return;
		}
		if (take_word(&c->w, "SET") == 0 && take_space(&c->w) == 0)
			r = notify_set_take(&new, &c->w);
	}
	if (r == TAKEN) {
		end();
		want = new;
		new = (struct notify_set){0};
		begin(c);
		return;
	}
	notify_set_free(&new);
	if (r == TAKEN_NOT)
		bad(c, "NOTIFY wants NONE, or SET and groups of events.");
	else
		no(c,
		   "BADEVENT (MessageNew MessageExpunge FlagChange MailboxName "
		   "SubscriptionChange)",
		   "There are no others.");
}
