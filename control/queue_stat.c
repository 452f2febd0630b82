/* qctl queue stat, pause, cont: the scheduler as a whole. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "prog.h"
#include "queue.h"

/* So long may a message wait untried when it is due: more is a queue that stands still.
 */
enum { STALLED = 900 };

static void print_channel(const char *name, const struct keeper_channel *c)
{
	(void)printf("%-8s running %lu of %lu, waiting %llu%s\n", name,
		     (unsigned long)c->running, (unsigned long)c->limit,
		     (unsigned long long)c->waiting,
		     c->paused       ? ", paused"
		     : c->limit == 0 ? ", held"
				     : "");
	(void)printf("%-8s delivered %llu, failed %llu, deferred %llu\n", "",
		     (unsigned long long)c->delivered, (unsigned long long)c->failed,
		     (unsigned long long)c->deferred);
}

static void print_stat(const struct keeper_frame *f)
{
	(void)printf("messages %llu, held %llu, in memory %lu, notifications under way "
		     "%lu, destinations at rest %lu, deliveries since start %llu\n",
		     (unsigned long long)f->messages,
		     (unsigned long long)f->messages_held, (unsigned long)f->loaded,
		     (unsigned long)f->bounces, (unsigned long)f->resting,
		     (unsigned long long)f->deliveries);
	print_channel("local", &f->ch[0]);
	print_channel("remote", &f->ch[1]);
	(void)printf("since %s: accepted %llu (%llu bytes), ended %llu, notifications "
		     "%llu, removed by hand %llu, set aside %llu\n",
		     show_time(f->started), (unsigned long long)f->accepted,
		     (unsigned long long)f->bytes, (unsigned long long)f->ended,
		     (unsigned long long)f->notifications, (unsigned long long)f->removed,
		     (unsigned long long)f->bad);
	if (f->oldest > 0)
		(void)printf("oldest message of %s\n", show_time(f->oldest));
}

int do_stat(int argc, char **argv)
{
	struct keeper_frame f;
	struct filter none;
	int fd;

	filter_parse(&none, 0, argc, argv);
	fd = door_ask(&(struct keeper_request){.ask = KEEPER_STAT});
	door_next(fd, &f);
	door_expect(&f, 'S');
	(void)close(fd);
	print_stat(&f);
	(void)printf("longest due and not tried: %llu s\n",
		     (unsigned long long)f.overdue);
	(void)printf("%s for %llu s nothing was tried that is due (stalled from %d s)\n",
		     f.stalled < STALLED ? "moves:" : "STALLED:",
		     (unsigned long long)f.stalled, STALLED);
	return f.stalled < STALLED ? 0 : EXIT_SOME;
}

int do_pause(int argc, char **argv)
{
	static const char *const names[] = {"local", "remote"};
	struct keeper_request r = {.ask = *argv[0] == 'p' ? KEEPER_PAUSE : KEEPER_CONT};

	if (argc != 2)
		die_queue_usage();
	for (r.channel = 0; r.channel < 2; r.channel++)
		if (strcmp(names[r.channel], argv[1]) == 0) {
			(void)door_count(&r);
			return 0;
		}
	die_queue_usage();
}
