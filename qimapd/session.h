/* session: what one IMAP session knows, and how a command is answered.
 *
 * One process, one session: the state is one static object. Commands are a table (verbs.c):
 * a command checks its words, does its work through lib/maildir, writes its untagged answers, and ends
 * with ok(), no() or bad(), exactly once. Before a tagged OK the session tells what others did in the
 * mailbox (update.h), as far as the command allows it (VERB_SILENT_SEQ: no EXPUNGE may be told
 * during FETCH, STORE and SEARCH without UID, RFC 9051 7.5.1).
 */
#ifndef QIMAPD_SESSION_H
#define QIMAPD_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "in.h"
#include "take.h"
#include "maildir/box.h"
#include "maildir/cache.h"
#include "maildir/store.h"
#include "maildir/watch.h"
#include "set.h"

enum session_state { ST_AUTH = 1, ST_SELECTED = 2 };

enum session_on { /* what ENABLE, SELECT and others have switched on */
		  ON_CONDSTORE = 1,
		  ON_QRESYNC = 2,
		  ON_REV2 = 4,
		  ON_UTF8 = 8,
		  ON_COMPRESS = 16
};

struct session {
	unsigned state; /* one of session_state */
	unsigned on;    /* session_on */
	struct store store;
	struct box box; /* while ST_SELECTED */
	struct cache *cache;
	struct box_kept *kept; /* of the folder of the last APPEND */
	int readonly;          /* EXAMINE */
	char folder[FOLDER_NAME + 1];
	struct set
	    saved;   /* uids of SEARCH RETURN (SAVE); gone ones are left out when used */
	size_t told; /* messages that the client knows of: the last EXISTS */
	unsigned keywords_told; /* of the last FLAGS */
	int want_logout;
	const char *user, *client; /* for logs; "" where nobody said */
	uint64_t appendlimit;      /* bytes of a message in CRLF form */
	struct session_counts {
		uint64_t commands, fetched, appended, copied,
		    expunged; /* for the last line of the log */
	} counts;
};
extern struct session session;

/* Commands until LOGOUT or the client's end. */
void session_serve(void);
/* What in.c said of the client's bytes: 0, or -1: the session is over, and nothing may be
 * answered (IN_END, IN_LATE, IN_CUT). */
int session_heard(enum in_what r, const struct in *in);
/* Leave the mailbox: no command, no answer. */
void session_leave(void);
/* Before a wait: memory that can be had again goes. */
void session_rest(void);
/* "* BYE text", and no further command is read. */
void session_bye(const char *text);
/* The same, once, when the open mailbox is no more what the client knows (box.h, ESTALE). */
void session_stale(void);

struct verb;
struct command {
	char tag[65];
	const struct verb *verb;
	int uid; /* UID … */
	struct words w;
	struct in *in; /* APPEND's messages come from there */
};

enum verb_bits {
	VERB_SILENT_SEQ = 1, /* without UID: no EXPUNGE in its updates */
	VERB_NO_UPDATE =
	    2, /* tells of nothing (LOGOUT, and commands that leave the mailbox) */
	VERB_WRITES = 4,   /* NO [READ-ONLY] under EXAMINE */
	VERB_UID = 8,      /* exists with UID in front, too */
	VERB_UID_ONLY = 16 /* UID EXPUNGE differs from EXPUNGE by its set: see there */
};

struct verb {
	const char *name;
	unsigned states; /* session_state bits in which it is allowed */
	unsigned bits;
	void (*run)(struct command *c);
};

/* The tagged answer. code: "" or like "READ-ONLY" (put into brackets); text: printf. */
__attribute__((format(printf, 3, 4))) void ok(struct command *c, const char *code,
					      const char *text, ...);
__attribute__((format(printf, 3, 4))) void no(struct command *c, const char *code,
					      const char *text, ...);
__attribute__((format(printf, 2, 3))) void bad(struct command *c, const char *text, ...);
/* The same, for an answer that tells nothing else (LOGOUT, COMPRESS). */
__attribute__((format(printf, 3, 4))) void ok_only(struct command *c, const char *code,
						   const char *text, ...);
/* Of a command without words: BAD where there is one. */
int has_words(struct command *c);
/* NO for what a library call said by errno: [INUSE], [OVERQUOTA], [NONEXISTENT], [ALREADYEXISTS],
 * [CANNOT], [NOPERM], [LIMIT], [SERVERBUG], [UNAVAILABLE]; logs what is the host's fault. */
void no_errno(struct command *c, const char *what);

/* The commands of the families; verbs.c lists them. */
extern const struct verb verbs_any[], verbs_folder[], verbs_list[], verbs_select[],
    verbs_append[], verbs_idle[], verbs_quota[]; /* F1; each ends with name NULL */
extern const struct verb verbs_fetch[], verbs_store[], verbs_copy[], verbs_search[];

#endif
