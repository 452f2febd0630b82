/* notify_set: what NOTIFY SET says (RFC 5465 8), read and asked.
 *
 * Owner: notify_set_free(); names and items are malloc'd, since they outlive the command.
 */
#ifndef QIMAPD_NOTIFY_SET_H
#define QIMAPD_NOTIFY_SET_H

#include <stddef.h>

#include "maildir/store.h"
#include "take.h"

enum { NOTIFY_GROUPS = 64, NOTIFY_NAMES = 1000, NOTIFY_ITEMS = 4096 };

enum notify_event {
	EVENT_NEW = 1,
	EVENT_EXPUNGE = 2,
	EVENT_FLAG = 4,
	EVENT_NAME = 8,
	EVENT_SUBSCRIPTION = 16
};
enum { EVENTS_MESSAGE = EVENT_NEW | EVENT_EXPUNGE | EVENT_FLAG };

struct notify_group {
	enum notify_whom {
		WHOM_SELECTED,
		WHOM_SELECTED_DELAYED,
		WHOM_INBOXES,
		WHOM_PERSONAL,
		WHOM_SUBSCRIBED,
		WHOM_SUBTREE,
		WHOM_MAILBOXES
	} whom;
	unsigned events;
	char **name;
	size_t n;
	char *items; /* MessageNew (…), with its parentheses; or NULL */
};

struct notify_set {
	int with_status;
	struct notify_group group[NOTIFY_GROUPS];
	size_t n;
};

enum notify_taken {
	TAKEN,
	TAKEN_NOT,      /* BAD */
	TAKEN_BAD_EVENT /* NO [BADEVENT (…)] */
};

/* Behind "SET ". */
enum notify_taken notify_set_take(struct notify_set *s, struct words *w);
void notify_set_free(struct notify_set *s);

/* The first group that names the folder decides (RFC 5465 6): its events. */
unsigned notify_set_events(const struct notify_set *s, const struct folder *f);
/* selected or selected-delayed, or NULL. */
const struct notify_group *notify_set_selected(const struct notify_set *s);

#endif
