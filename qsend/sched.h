/* sched: what qsend has in memory, and who calls whom.
 *
 * A message waits as an entry in a heap (due.h). `unsorted` holds those whose
 * recipients nobody has looked at in this run. From there each becomes up to two
 * halves, one a channel (local, remote), that wait in a lane: a heap and a number of
 * places. A half that gets a place is active: its message is loaded, and it stands in its
 * channel's ring, where each turn gives one job. Lanes are apart for small and
 * for big messages, so that neither a slow channel nor a few lists can keep single
 * messages from a place.
 *
 * A remote half has a part for each destination (dests.h). What must wait for a
 * destination waits there and not in a place: an entry whose recipients are all of
 * one destination in that one's heap, a part of a loaded message in its list. Where a
 * seat is free, parts and entries take turns. A half that can do nothing but wait gives
 * up its place when another wants it.
 *
 *	scan	new/ -> cur/, entries				scan.c
 *	dests	whose destination has a seat for whom		dests.c, turns.c
 *	admit	entries -> loaded messages, active halves	admit.c, msg.c, heaps.c
 *	jobs	a ring's next recipients -> a spawner		jobs.c, making.c
 *	report	what the spawner says -> log, journal		report.c, decide.c
 *	pass	nothing under way: the next try, or the end	pass.c
 *	settle	nothing left: notification, removal, bad/	settle.c
 *	notify	the notifications, and warnings of delay	notify.c, tell.c
 *	door	the keeper's questions and orders		door.c, lister.c, gauge.c,
 *							pick.c, hold.c, noted.c, pause.c
 */
#ifndef QSEND_SCHED_H
#define QSEND_SCHED_H

#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "conf.h"
#include "dests.h"
#include "due.h"
#include "journal.h"
#include "qfile.h"
#include "qid.h"
#include "qlimits.h"
#include "retry.h"
#include "route.h"
#include "syncer.h"
#include "tell.h"

enum {
	CHANNELS = 2,        /* enum route_kind */
	SIZES = 2,           /* lanes of a channel: small, big */
	BIG_RCPTS = 50,      /* more recipients on a channel: a big message */
	SMALL_PLACES = 500,  /* fewer if there are few descriptors */
	OPEN_MAX_KEPT = 100, /* more loaded messages: their files are opened again */
	BIG_PLACES = 16,
	LOADED_MAX = 1500, /* messages in memory, those that settle included */
	BUCKETS = 256,
	BOUNCES = 8,        /* notifications under way */
	BOUNCE_QUEUE = 100, /* waiting for one of these in memory */
	BOUNCE_PAUSE = 60,  /* seconds to the next try of a notification */
	FAULT_PAUSE = 60,   /* … of a message that the disk does not give */
	REST = 5, /* … of anything that failed for want of memory or descriptors */
	SCAN_BATCH = 500,  /* new messages a turn */
	ADMIT_BATCH = 100, /* messages opened a turn */
	LANE_BATCH = 1000, /* entries that a turn takes from a lane */
	SCAN_PAUSE = 60,   /* look into new/ unasked: a lost wake-up costs so long */
	STOP_WAIT = 30,    /* for deliveries under way, at SIGTERM */
	IDLE_PATIENCE = 2, /* a half that only waits keeps its place so long */
	LOOK_PAUSE = 600,  /* between two looks at who waits in line */
	IDLE_PAUSE = 30,   /* … and comes back after so long */
	CLIENTS = 8,       /* of the keeper's door */
	LISTERS = 4,
};

enum rcpt_state {
	RCPT_TODO,
	RCPT_DONE,    /* delivered, and so says the journal */
	RCPT_UNSAVED, /* delivered, the journal does not say so */
	RCPT_FAILED,  /* failed for good, durable */
	RCPT_FAILING, /* the same, written, */
	RCPT_SYNCING, /* and being synced */
};

/* What the journal says of a recipient whose child found the message corrupt. */
#define CORRUPT_TEXT "4.3.0 The message in the queue was found to be corrupt."

struct rcpt {
	uint32_t at;     /* address: offset in the envelope */
	uint8_t channel; /* enum route_kind */
	uint8_t state;   /* enum rcpt_state */
	uint8_t notify;  /* NOTIFY_..., 0: not said */
	char good;       /* K S R X: its record, delivered; B: corrupt, says its child */
	uint32_t dest;   /* hash of the destination: equal ones share a job; 0: local */
};

/* Those of a half at one destination. It stands among its half's ready ones, or is
 * parked with the destination, or is at its end. */
struct part {
	struct half *half;
	uint32_t hash;
	uint32_t at; /* in half->order, the next to be tried */
	uint32_t end;
	struct dest *dest; /* where it has a seat, or is parked; or NULL */
	uint8_t parked;
	struct part *next;  /* ready, or parked */
	struct part **prev; /* parked */
};

/* The recipients of one channel on one pass: each is tried once. */
struct half {
	struct msg *msg;
	struct entry entry;
	uint32_t *order; /* n indices, those of one destination together */
	uint32_t n;
	uint32_t left; /* not yet tried */
	struct part *parts;
	uint32_t nparts;
	struct part *ready; /* may go when the half has its turn */
	struct part **ready_end;
	unsigned running; /* jobs */
	uint8_t on;
	uint8_t size;    /* lane */
	uint8_t dying;   /* last attempt: later means never */
	uint8_t insists; /* … or by the keeper's wish */
	uint8_t rested;  /* a destination was passed over */
	uint8_t looks;   /* it waits for no seat: ENTRY_LOOK */
	uint8_t offline; /* the last report says so */
	uint8_t in_ring;
	uint8_t idle;      /* in its lane's list of those */
	uint8_t counts;    /* a deferral of this pass counts as an attempt */
	uint8_t defers;    /* a recipient was deferred */
	uint8_t strays;    /* a recipient now belongs to the other channel */
	struct half *next; /* in the ring */
	uint32_t idle_since;
	struct half *idle_next;
	struct half *idle_prev;
};

struct msg {
	struct entry key; /* ns and random */
	char id[QID_LEN + 1];
	uint64_t birth;
	struct qfile_head head;
	struct envelope env;
	char *bytes; /* of the envelope */
	int fd;      /* the file as it was opened, for the first job; or -1 */
	struct rcpt *rcpts;
	uint32_t todo;    /* recipients not decided */
	uint32_t failing; /* failed, sync not begun */
	uint32_t syncing; /* failed, sync under way */
	uint32_t failed;  /* failed, durable */
	uint32_t unsaved;
	uint32_t told; /* delivered, and this is to be told */
	struct half half[CHANNELS];
	struct journal journal;
	char later[LIMIT_TEXT + 1]; /* text of the last Z record */
	int sync_dir; /* state/ when the sync under way includes it, or -1 */
	struct work sync;
	uint32_t spoilt;  /* waiting recipients whose child found the message corrupt: */
	int bad;          /* all of them, and it is believed */
	uint8_t held;     /* by the keeper: no more jobs */
	uint8_t stopped;  /* it was, and its passes were ended */
	uint8_t moved;    /* its entries may be too many or too few: wait_anew() */
	char removed;     /* KEEPER_DELETE or _MOVE: when nothing is under way */
	uint32_t remover; /* whose wish that was */
	int settling;     /* in a queue of settle.c, or on its way out */
	int ended;        /* decided and told: only the removal did not work */
	int warned;       /* its sender knows of the delay */
	struct msg *next; /* in its bucket */
	struct msg *queued; /* in a queue of settle.c */
};

struct slot {
	struct half *half; /* NULL: free */
	struct dest *dest; /* whose seat it has, or NULL */
	uint64_t number;   /* of its first recipient's delivery */
	int64_t start;
	uint16_t n;
	uint32_t rcpts[LIMIT_JOBRCPTS];
};

struct lane {
	struct due waiting;
	unsigned active;
	unsigned places;
	struct half *idle; /* have a place and only wait: the first waits longest */
	struct half *idle_last;
};

struct channel {
	enum route_kind kind;
	const char *name; /* local, remote */
	unsigned skip;
	int fd;
	int paused;
	int full;      /* the socket is: wait for POLLOUT */
	uint32_t rest; /* no job before (mono) */
	unsigned limit;
	unsigned running;
	struct slot *slots;
	uint16_t *free;
	unsigned nslots;
	unsigned nfree;
	struct half *ring; /* its last half, or NULL */
	unsigned in_ring;
	struct lane lanes[SIZES];
	uint32_t network; /* remote: when a job last met a network that works (mono) */
};

struct sched {
	struct clocks now;
	struct conf conf;
	struct route *route;
	struct smtpauth *smtpauth; /* logins at next hops */
	int rerouted; /* the control files were read again: routes may have changed */
	int cur, new, state, bad; /* directories */
	int lock;                 /* queue/lock */
	struct due unsorted;
	struct due held; /* ENTRY_HELD */
	struct channel ch[CHANNELS];
	struct dests dests;
	struct msg *buckets[BUCKETS];
	unsigned loaded;
	uint64_t messages;   /* in the queue */
	uint64_t deliveries; /* numbers given */
	int wake, ctl, list, bounce, lifeline, signals;
	struct syncer syncer;
	struct tell tell;
	int bounce_full;
	int scan; /* look into new/ */
	uint32_t next_scan;
	uint32_t next_settle;
	uint32_t next_look;
	int stopping;
	int64_t stop_at;
};

/* scan.c */
int scan_start(struct sched *q);
void scan_new(struct sched *q);

/* msg.c: LOAD_… of a message that could not be loaded was logged. */
enum load { LOAD_OK, LOAD_GONE, LOAD_BAD, LOAD_LATER };
enum load msg_load(struct sched *q, const struct entry *e, struct msg **m);
struct msg *msg_find(struct sched *q, const struct entry *e);
void msg_unload(struct sched *q, struct msg *m);

/* Head, envelope and routes alone, outside of q: NULL with errno, EBADMSG torn. */
struct msg *msg_open(const struct sched *q, const struct entry *e);
void msg_close(struct msg *m);

static inline const char *msg_rcpt(const struct msg *m, uint32_t i)
{
	return m->bytes + m->rcpts[i].at;
}

/* open.c: the queue, locked, its doors, the syncer. Ends the program when it cannot. What it
 * returns is to be closed when the queue was read: no journal comes without its message
 * meanwhile. */
int queue_open(struct sched *q);

/* wait.c: how long the loop may wait for events. */
struct timespec longest_wait(const struct sched *q);

/* admit.c */
void admit(struct sched *q);

/* heaps.c: where messages wait. Without memory for an entry the program ends. */
void wait_push(struct due *d, const struct entry *e);
/* An entry goes where it waits: with its destination, or in its lane. */
void wait_entry(struct sched *q, struct channel *c, int size, const struct entry *e);
void wait_unsorted(struct sched *q, const struct msg *m, uint32_t pause);
/* What waits of a message that is unloaded is made one entry again. */
void wait_anew(struct sched *q, struct msg *m);
/* Look in all places where e's half of that channel may wait. Linear. */
typedef size_t wait_look(struct due *d, uint64_t ns, uint32_t random);
size_t wait_of(struct sched *q, struct channel *c, const struct entry *e,
	       wait_look *look);
/* Each heap of entries in q, that of the held ones included. */
typedef void heap_visit(void *arg, struct due *d);
void heaps_each(struct sched *q, heap_visit *visit, void *arg);
void heaps_forget(struct sched *q, uint64_t ns, uint32_t random);

/* turns.c: the parts of a half, and seats at destinations. */
int parts_make(struct half *h);
void parts_drop(struct sched *q, struct half *h);
void part_park(struct sched *q, struct part *p, struct dest *d);
struct part *part_take(struct half *h);
void part_ready(struct half *h, struct part *p);
/* Give the free seats of those destinations where something has changed. */
void turns_give(struct sched *q);
void idle_add(struct sched *q, struct half *h);
void idle_remove(struct sched *q, struct half *h);
void turns_log(const struct dest *d, enum dest_news news);
/* How many entries wait there; how many destinations rest. */
uint64_t turns_waiting(const struct sched *q);
uint32_t turns_resting(const struct sched *q);
/* The keeper wants it: no destination rests. */
void turns_forgive(struct sched *q);
void turns_forgive_one(struct sched *q, uint32_t hash);
/* Who has waited in line for DEST_PATIENCE is due for a look: its sender may have to be
 * warned, or its life be over. */
void turns_look(struct sched *q);

/* jobs.c */
void jobs_limit(struct channel *c, unsigned limit);
void jobs_start(struct sched *q, struct channel *c);
void ring_add(struct channel *c, struct half *h);
void ring_remove(struct channel *c, struct half *h);

/* making.c: one job is made at a time. */
/* The part's next recipients, as many as fit into one: how many. They are in s. */
uint16_t making_fill(const struct sched *q, struct part *p, int channel, struct slot *s);
/* What was filled last goes to the spawner: 0, or -1 with errno. */
int making_send(struct sched *q, struct channel *c, struct half *h, uint16_t number,
		struct slot *s);

/* report.c */
int report_take(struct sched *q, struct channel *c);

/* decide.c */
struct delivery; /* log.h */
void rcpt_decide(struct sched *q, struct half *h, uint32_t i, const struct delivery *d,
		 char letter, const char *text);
/* Deferred, and no delivery has begun. */
void rcpt_defer(struct sched *q, struct half *h, uint32_t i, const char *text);
/* What only informs: left out of a long journal, and may be lost. */
void msg_note(const struct sched *q, struct msg *m, const struct journal_record *r);
int letter_is_delivered(char letter);

/* pass.c */
/* Is it at its end, or can it but wait? */
void half_check(struct sched *q, struct half *h);
/* It gives up its place; what was not tried comes back at `due`. */
void half_leave(struct sched *q, struct half *h, uint32_t due);
/* Its destination rests, or takes too little: all of p is deferred, untried. */
void part_pass_over(struct sched *q, struct part *p, int rests);
struct channel *half_channel(struct sched *q, const struct half *h);
/* Its halves give no more jobs (it is corrupt, held or removed). */
void msg_stop(struct sched *q, struct msg *m);
/* Either half may be at its end; m may be gone then. */
void msg_check(struct sched *q, struct msg *m);

/* settle.c */
void settle(struct sched *q, struct msg *m);
void settle_again(struct sched *q);
unsigned settle_stuck(void);
/* Its file goes, and then m. */
void msg_remove(struct sched *q, struct msg *m);
/* It is no longer in the queue: no entry of it may wait. */
void forget(struct sched *q, const char *id);
/* state/ID, when the unlink of cur/ID is durable. */
void journal_remove(struct sched *q, const char *id);
/* -1, logged: it stays where it is, and has to wait. */
int set_aside(struct sched *q, const char *id, const char *why);

/* notify.c */
/* All of m's recipients are decided, and something is to be told. */
void notify_end(struct sched *q, struct msg *m);
/* A pass has ended: a warning, if it is time for that. */
void notify_delay(struct sched *q, struct msg *m);
int notify_take(struct sched *q);
void notify_push(struct sched *q);
unsigned bounces_running(void);

/* door.c */
size_t door_poll(struct sched *q, struct pollfd *p);
void door_serve(struct sched *q, const struct pollfd *p, size_t n);
void door_accept(struct sched *q, int listener, int is_ctl);
void door_reap(void);

/* gauge.c: the answer to a stat. */
struct keeper_frame;
void gauge(struct sched *q, struct keeper_frame *f);

/* noted.c: the journal was written at the keeper's wish: a thread syncs it. */
void noted_sync(struct sched *q, const char *id);

/* hold.c: what the keeper does to messages. */
struct keeper_request;

/* Carry out an r, h, u, d, m or t with ids, for that uid: a letter for each
 * (keeper.h). Journals and log lines are written here. One pass over all that waits,
 * however many ids there are. */
void hold_ids(struct sched *q, const struct keeper_request *r, uint32_t uid,
	      char *letters);
/* A loaded message that the keeper holds or has removed: nothing of it is under way. */
void hold_settle(struct sched *q, struct msg *m);
/* Its journal says held: it waits in q->held, and no more in any other heap. */
void hold_entry(struct sched *q, const struct entry *e);
/* The line that ends a message that the keeper has removed. */
void hold_log_removed(const struct msg *m);

/* pause.c */
void pause_set(struct sched *q, int channel, int paused);
void pause_read(struct sched *q);

/* lister.c: in a process of its own, which it ends. */
_Noreturn void lister(struct sched *q, int fd, int all, uint32_t uid);

#endif
