/* qctl queue hold, release, retry, delete: which ones, and then what qsend says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "prog.h"
#include "queue.h"

static const struct act {
	const char *verb;
	char ask;
	const char *done;    /* K */
	const char *halfway; /* W */
} acts[] = {
    {"hold", KEEPER_HOLD, "held", "held; a delivery is still under way"},
    {"release", KEEPER_RELEASE, "released", "released"},
    {"retry", KEEPER_RETRY, "due now", "a delivery is under way"},
    {"delete", KEEPER_DELETE, "deleted",
     "no more deliveries; deleted when the one under way has ended"},
};

static const struct act *find(const char *verb)
{
	for (size_t i = 0; i < sizeof acts / sizeof *acts; i++)
		if (strcmp(acts[i].verb, verb) == 0)
			return &acts[i];
	die_queue_usage();
}

static const char *said(const struct act *a, char letter)
{
	switch (letter) {
	case 'K':
		return a->done;
	case 'W':
		return a->halfway;
	case 'H':
		return "is held";
	case 'N':
		return "is not in the queue";
	default:
		return "not now; the log of qsend says why";
	}
}

/* That a message has just ended is no mistake where the list named it, and the caller
 * did not. */
static int tell(const struct act *a, const struct filter *f, const struct ids *ids,
		const char *letters)
{
	size_t done = 0;
	int bad = 0;

	for (size_t i = 0; i < ids->n; i++) {
		char l = letters[i];
		int good = l == 'K' || l == 'W';

		done += (size_t)good;
		bad |= !good && (l != 'N' || f->ids.n > 0);
		if (!good)
			warn_msg("%s %s", ids_at(ids, i), said(a, l));
		else if (!f->quiet)
			(void)printf("%s %s\n", ids_at(ids, i), said(a, l));
	}
	if (f->quiet)
		(void)printf("%s\n", messages(done));
	return bad ? EXIT_SOME : 0;
}

static int preview(const struct act *a, const struct ids *ids)
{
	for (size_t i = 0; i < ids->n; i++)
		(void)printf("%s would be %s\n", ids_at(ids, i), a->done);
	return 0;
}

int do_act(int argc, char **argv)
{
	const struct act *a = find(argv[0]);
	struct filter f;
	struct ids ids;
	char *letters;
	int code;

	filter_parse(&f, TAKES_MEANT | TAKES_DRY, argc, argv);
	if (a->ask == KEEPER_RETRY && filter_is_whole(&f) && !f.dry) {
		(void)door_count(&(struct keeper_request){.ask = KEEPER_RETRY});
		return 0;
	}
	if (filter_is_empty(&f))
		die_msg(EXIT_PERM, "which messages? for all there is --all");
	filter_select(&f, &ids);
	if (f.dry)
		return preview(a, &ids);
	if (ids.n == 0) {
		(void)puts(f.quiet ? "0 messages" : "No message fits.");
		return 0;
	}
	letters = calloc(ids.n, 1);
	if (letters == NULL)
		die_sys(EXIT_TEMP, "remember the messages");
	door_each(a->ask, ids.b.p, ids.n, letters);
	code = tell(a, &f, &ids, letters);
	free(letters);
	sbuf_free(&ids.b);
	return code;
}
