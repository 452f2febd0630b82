/* CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 6.3.4 to 6.3.8, RFC 6154 3). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "io.h"
#include "list.h"
#include "session.h"

/* One use of a folder, or one that we do not know: unknown. */
static int take_use(struct words *w, unsigned *use, int *unknown)
{
	static const struct {
		const char *name;
		unsigned bit;
	} uses[] = {{"Drafts", FOLDER_DRAFTS},   {"Sent", FOLDER_SENT},
		    {"Junk", FOLDER_JUNK},       {"Trash", FOLDER_TRASH},
		    {"Archive", FOLDER_ARCHIVE}, {"Flagged", FOLDER_FLAGGED},
		    {"All", FOLDER_ALL}};
	struct text other;

	if (take_char(w, '\\') == -1)
		return -1;
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
		if (take_word(w, uses[i].name) == 0) {
			*unknown |= *use != 0; /* a folder has one */
			*use = uses[i].bit;
			return 0;
		}
	*unknown = 1;
	return take_atom(w, &other);
}

/* " (USE (\Sent))" */
static int take_create(struct words *w, unsigned *use, int *unknown)
{
	if (words_end(w))
		return 0;
	if (take_space(w) == -1 || take_char(w, '(') == -1 || take_word(w, "USE") == -1 ||
	    take_space(w) == -1 || take_char(w, '(') == -1)
		return -1;
	while (take_use(w, use, unknown) == 0 && take_space(w) == 0)
		;
	if (take_char(w, ')') == -1)
		return -1;
	return take_char(w, ')') == 0 && words_end(w) ? 0 : -1;
}

/* Net-Unicode, which a new name in UTF-8 must be (RFC 9051 6.3.4, RFC 6855 3): NFC, and no
 * separators of lines and paragraphs. Names in UTF-7 are those of old clients and servers. */
static int is_net_name(const struct command *c, const char *name)
{
	static const utf8proc_option_t nfc =
	    UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE;
	utf8proc_uint8_t *composed = NULL;
	int is_same;

	if (!c->w.utf8)
		return 1;
	if (utf8proc_map((const utf8proc_uint8_t *)name, 0, &composed, nfc) < 0)
		return 0;
	is_same = strcmp((const char *)composed, name) == 0 &&
		  strstr(name, "\u2028") == NULL && strstr(name, "\u2029") == NULL;
	free(composed);
	return is_same;
}

static void refuse_name(struct command *c)
{
	no(c, "CANNOT", "The name is no Net-Unicode (NFC).");
}

static void cmd_create(struct command *c)
{
	char name[FOLDER_NAME + 1];
	unsigned use = 0;
	int unknown = 0;

	if (take_space(&c->w) == -1 || take_mailbox(&c->w, name) == -1 ||
	    take_create(&c->w, &use, &unknown) == -1)
		bad(c, "CREATE wants a name.");
	else if (unknown)
		no(c, "USEATTR", "A folder has one of the uses that are known here.");
	else if (!is_net_name(c, name))
		refuse_name(c);
	else if (folder_create(&session.store, name, use) == 0)
		ok(c, "", "It is there.");
	else if (errno == ENOTUNIQ)
		no(c, "USEATTR", "Another folder has this use.");
	else
		no_errno(c, "create a folder");
}

/* The one name that is the whole command. */
static int take_name(struct command *c, char *name)
{
	if (take_space(&c->w) == 0 && take_mailbox(&c->w, name) == 0 && words_end(&c->w))
		return 0;
	bad(c, "%s wants a name.", c->verb->name);
	return -1;
}

static void cmd_delete(struct command *c)
{
	char name[FOLDER_NAME + 1];

	if (take_name(c, name) == -1)
		return;
	if (folder_delete(&session.store, name) == -1) {
		no_errno(c, "delete a folder");
		return;
	}
	if (session.state == ST_SELECTED && strcmp(session.folder, name) == 0) {
		session_leave();
		io_puts("* OK [CLOSED] The mailbox is deleted.\r\n");
	}
	ok(c, "", "It is gone.");
}

/* The open mailbox has another name when its folder or one above it has. */
static void follow(const char *from, const char *to)
{
	size_t n = strlen(from);
	char rest[FOLDER_NAME + 1];

	if (strcmp(from, "INBOX") == 0 || strncmp(session.folder, from, n) != 0 ||
	    (session.folder[n] != '\0' && session.folder[n] != '.'))
		return;
	memcpy(rest, session.folder + n, strlen(session.folder + n) + 1);
	if (strlen(to) + strlen(rest) > FOLDER_NAME)
		return;
	memcpy(session.folder, to, strlen(to));
	memcpy(session.folder + strlen(to), rest, strlen(rest) + 1);
}

static void cmd_rename(struct command *c)
{
	char from[FOLDER_NAME + 1];
	char to[FOLDER_NAME + 1];

	if (take_space(&c->w) == -1 || take_mailbox(&c->w, from) == -1 ||
	    take_space(&c->w) == -1 || take_mailbox(&c->w, to) == -1 ||
	    !words_end(&c->w)) {
		bad(c, "RENAME wants two names.");
		return;
	}
	if (!is_net_name(c, to)) {
		refuse_name(c);
		return;
	}
	if (folder_rename(&session.store, from, to) == -1) {
		no_errno(c, "rename a folder");
		return;
	}
	follow(from, to);
	/* RFC 9051 6.3.6. INBOX has lost its messages, not its name. */
	if ((session.on & ON_REV2) && strcmp(from, "INBOX") != 0)
		list_tell(&session.store, to, from);
	ok(c, "", "done");
}

static void subscribe(struct command *c, int on)
{
	char name[FOLDER_NAME + 1];

	if (take_name(c, name) == -1)
		return;
	if (folder_subscribe(&session.store, name, on) == -1)
		no_errno(c, "write the subscriptions");
	else
		ok(c, "", "done");
}

static void cmd_subscribe(struct command *c)
{
	subscribe(c, 1);
}

static void cmd_unsubscribe(struct command *c)
{
	subscribe(c, 0);
}

#define ANY (ST_AUTH | ST_SELECTED)

const struct verb verbs_folder[] = {
    {"CREATE", ANY, 0, cmd_create},           {"DELETE", ANY, 0, cmd_delete},
    {"RENAME", ANY, 0, cmd_rename},           {"SUBSCRIBE", ANY, 0, cmd_subscribe},
    {"UNSUBSCRIBE", ANY, 0, cmd_unsubscribe}, {0}};
