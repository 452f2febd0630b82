/* queue: the parts of qctl queue.
 *
 *	queue_door	asks qsend
 *	queue_source	the messages one by one: qsend's list, or the files if it does not
 *			run
 *	queue_filter	which of them are meant
 *	queue_list	list
 *	queue_show	show
 *	queue_act	hold release retry delete
 *	queue_stat	stat pause cont
 *	queue_file	whole files: read, verify, copy
 *	queue_ours	the queue, open; queue_parts: names between two hosts
 *	queue_move	move
 *	queue_take	take; queue_put: one message, into the queue
 *	queue_check	check repair
 *
 * All end the program when they cannot go on (prog.h); a verb returns its exit status.
 */
#ifndef QUOIN_QUEUE_H
#define QUOIN_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "keeper.h"
#include "qid.h"
#include "sbuf.h"

/* Exit status beside those of prog.h. */
enum { EXIT_SOME = 1 };

/* ---- the door ---- */

/* Ask, and read an answer of one frame; the frame lives until the next. */
int door_ask(const struct keeper_request *r);
void door_next(int fd, struct keeper_frame *f);
void door_expect(const struct keeper_frame *f, char what);
uint64_t door_count(const struct keeper_request *r);

/* The same request for each of n ids: its letter into letters (n of them). */
void door_each(char ask, const char *ids, size_t n, char *letters);

/* What was asked before, by whoever is dead since, is done when this returns. */
void door_settle(void);

/* ---- ids ---- */

/* Ids behind each other, each with its NUL, as a request has them. */
struct ids {
	struct sbuf b;
	size_t n;
};
void ids_init(struct ids *s);
void ids_add(struct ids *s, const char *id);
const char *ids_at(const struct ids *s, size_t i);

/* ---- messages ---- */

struct line {
	char state;      /* keeper.h */
	uint8_t channel; /* the same */
	char *address;
	char *text;
};

struct message {
	char id[QID_LEN + 1];
	uint64_t birth;
	uint64_t size;
	uint64_t next; /* 0: under way, or nobody knows */
	uint32_t uid;
	uint32_t attempts;
	uint8_t held;
	char *sender;
	size_t n;
	struct line *rcpts;
};
void message_free(struct message *m);

typedef void message_take(void *arg, const struct message *m);

/* All that the caller may see, by id. 1: they came from qsend; 0: from the files. */
int source_each(message_take *take, void *arg);

/* One, read from the files: 0, or -1 with errno (EBADMSG). where: cur or new. */
int source_file(struct message *m, int queue, const char *where, const char *id);

/* Open queue/NAME, "" the queue itself: -1 with errno. */
int queue_dir(const char *name);

/* Is it this queue, or a directory of it where each file means something? (In bad none
 * does, and what is whole there may be taken back.) */
int queue_is_ours(int dir);

/* Keep qsend from starting until we end: 1, or 0 if it runs. */
int queue_lock(void);

/* ---- which are meant ---- */

struct filter {
	const char *sender;
	const char *recipient;
	const char *domain;
	uint64_t older; /* seconds; 0: any */
	uint64_t younger;
	int held;
	int all;
	int quiet;
	int dry;
	int json;
	struct ids ids;
	char **rest; /* what is no option, where the verb has other words */
	int nrest;
};

/* What a verb has: ids, or other words; which options. */
enum {
	TAKES_IDS = 1,
	TAKES_WORDS = 2,
	TAKES_FILTER = 4, /* --sender … --all */
	TAKES_QUIET = 8,
	TAKES_DRY = 16,
	TAKES_JSON = 32,
	TAKES_MEANT = TAKES_IDS | TAKES_FILTER | TAKES_QUIET,
};

/* Options and ids of argv (argv[0] is the verb). What it does not have: usage. */
void filter_parse(struct filter *f, int takes, int argc, char **argv);
int filter_is_empty(const struct filter *f);
int filter_is_whole(const struct filter *f); /* empty, or --all and nothing else */
int filter_fits(const struct filter *f, const struct message *m, uint64_t now);

/* The ids that are meant, by a list unless ids alone were given. */
void filter_select(const struct filter *f, struct ids *found);

_Noreturn void die_queue_usage(void);

/* "1 message", "2 messages" */
const char *messages(unsigned long long n);

/* ---- verbs: argv[0] is the verb ---- */

int do_list(int argc, char **argv);
int do_show(int argc, char **argv);
int do_act(int argc, char **argv);
int do_stat(int argc, char **argv);
int do_pause(int argc, char **argv);
int do_move(int argc, char **argv);
int do_take(int argc, char **argv);
int do_check(int argc, char **argv);

/* ---- printing ---- */

void print_escaped(const char *s);
void print_message(const struct message *m);
void print_recipient(const struct line *l);
const char *show_time(uint64_t seconds);

#endif
