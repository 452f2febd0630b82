/* The messages of the queue one by one: as qsend lists them, or, when it does not run,
 * as the files are, for whoever may read those. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal.h"
#include "num.h"
#include "paths.h"
#include "prog.h"
#include "qread.h"
#include "queue.h"

static _Noreturn void die_memory(void)
{
	die_msg(EXIT_TEMP, "out of memory");
}

static char *keep(const char *s)
{
	char *copy = strdup(s);

	if (copy == NULL)
		die_memory();
	return copy;
}

void message_free(struct message *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->rcpts[i].address);
		free(m->rcpts[i].text);
	}
	free(m->rcpts);
	free(m->sender);
	*m = (struct message){0};
}

/* ---- ids ---- */

void ids_init(struct ids *s)
{
	sbuf_init(&s->b, SIZE_MAX / 2);
	s->n = 0;
}

void ids_add(struct ids *s, const char *id)
{
	if (sbuf_cat(&s->b, id, QID_LEN + 1) == -1)
		die_memory();
	s->n++;
}

const char *ids_at(const struct ids *s, size_t i)
{
	return s->b.p + i * (QID_LEN + 1);
}

/* ---- from the files ---- */

int queue_dir(const char *name)
{
	char path[LIMIT_PATH];

	if (path_join(path, sizeof path, paths.queue, name) == NULL)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int queue_is_ours(int dir)
{
	static const char *const names[] = {"", "cur", "new", "tmp", "state"};
	struct stat theirs;

	if (fstat(dir, &theirs) == -1)
		die_sys(EXIT_TEMP, "look at the directory");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		int fd = queue_dir(names[i]);
		struct stat ours;
		int same = fd != -1 && fstat(fd, &ours) == 0 &&
			   ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;

		if (fd != -1)
			(void)close(fd);
		if (same)
			return 1;
	}
	return 0;
}

int queue_lock(void)
{
	char path[LIMIT_PATH];
	static int fd = -1; /* the lock lives as long as it does */

	if (fd == -1 && path_join(path, sizeof path, paths.queue, "lock") != NULL)
		fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		die_sys(EXIT_TEMP, "open queue/lock");
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 1;
	if (errno != EWOULDBLOCK)
		die_sys(EXIT_TEMP, "lock queue/lock");
	return 0;
}

static void take_envelope(struct message *m, const struct envelope *env)
{
	const char *at = env->rcpts;
	struct envelope_rcpt r;
	uint64_t uid = 0;

	(void)num_parse(env->uid, UINT32_MAX, &uid);
	m->uid = (uint32_t)uid;
	m->sender = keep(env->sender);
	m->rcpts = calloc(env->nrcpts, sizeof *m->rcpts);
	if (m->rcpts == NULL)
		die_memory();
	for (m->n = 0; m->n < env->nrcpts; m->n++) {
		at = envelope_rcpt(env, at, &r);
		m->rcpts[m->n] = (struct line){'T', 2, keep(r.address), keep("")};
	}
}

struct replay {
	struct message *m;
	char later[LIMIT_TEXT + 1];
};

static void take_record(void *arg, const struct journal_record *r)
{
	struct replay *p = arg;
	const char *text = r->text;

	p->m->attempts += r->what == 'A';
	if (r->what == 'H')
		p->m->held = r->held;
	if (!journal_of_rcpt(r) || r->index >= p->m->n)
		return;
	if (r->what == 'Z' && *text != '\0')
		(void)snprintf(p->later, sizeof p->later, "%s", text);
	else if (r->what == 'Z')
		text = p->later;
	free(p->m->rcpts[r->index].text);
	p->m->rcpts[r->index].text = keep(text);
	p->m->rcpts[r->index].state = journal_is_good(r->what) ? 'K' : r->what;
}

static void take_journal(struct message *m, int queue)
{
	char name[sizeof "state/" + QID_LEN];
	struct replay p = {.m = m};
	uint64_t len;
	uint64_t size;
	int fd;

	(void)snprintf(name, sizeof name, "state/%s", m->id);
	fd = openat(queue, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return;
	(void)journal_read(fd, m->id, take_record, &p, &len, &size);
	(void)close(fd);
}

int source_file(struct message *m, int queue, const char *where, const char *id)
{
	char name[sizeof "new/" + QID_LEN];
	struct qfile_head head;
	struct envelope env;
	char *bytes;
	int fd;

	*m = (struct message){0};
	(void)snprintf(name, sizeof name, "%s/%s", where, id);
	fd = openat(queue, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return -1;
	if (qread(fd, &head, &bytes, &env) == -1) {
		int e = errno;

		(void)close(fd);
		errno = e;
		return -1;
	}
	(void)close(fd);
	memcpy(m->id, id, QID_LEN + 1);
	(void)qid_parse(id, &m->birth);
	m->birth /= 1000000000;
	m->size = head.msg_len;
	take_envelope(m, &env);
	free(bytes);
	take_journal(m, queue);
	return 0;
}

static int is_id(const struct dirent *e)
{
	uint64_t ns;

	return qid_parse(e->d_name, &ns) == 0;
}

static void each_file(int queue, const char *where, message_take *take, void *arg)
{
	struct dirent **names;
	int n = scandirat(queue, where, &names, is_id, alphasort);
	struct message m;

	if (n == -1)
		die_sys2(EXIT_TEMP, "qsend is not running; read queue/", where);
	for (int i = 0; i < n; i++) {
		if (source_file(&m, queue, where, names[i]->d_name) == 0) {
			take(arg, &m);
			message_free(&m);
		} else
			warn_sys2("read message", names[i]->d_name);
		free(names[i]);
	}
	free(names);
}

/* ---- from qsend ---- */

static void from_frame(struct message *m, const struct keeper_frame *f)
{
	*m = (struct message){0};
	memcpy(m->id, f->id, QID_LEN + 1);
	m->birth = f->birth;
	m->size = f->size;
	m->next = f->next;
	m->uid = f->uid;
	m->attempts = f->attempts;
	m->held = f->held;
	m->sender = keep(f->sender);
	m->rcpts = calloc((size_t)f->recipients + 1, sizeof *m->rcpts);
	if (m->rcpts == NULL)
		die_memory();
}

static void each_listed(int fd, message_take *take, void *arg)
{
	struct keeper_frame f;

	door_next(fd, &f);
	while (f.what == 'M') {
		struct message m;
		uint32_t most = f.recipients;

		from_frame(&m, &f);
		for (door_next(fd, &f); f.what == 'R' && m.n < most; door_next(fd, &f))
			m.rcpts[m.n++] = (struct line){f.state, f.channel,
						       keep(f.address), keep(f.text)};
		take(arg, &m);
		message_free(&m);
	}
	door_expect(&f, 'E');
}

int source_each(message_take *take, void *arg)
{
	int fd = keeper_ask(&(struct keeper_request){.ask = KEEPER_LIST});
	int queue;

	if (fd != -1) {
		each_listed(fd, take, arg);
		(void)close(fd);
		return 1;
	}
	if (errno != ENOENT && errno != ECONNREFUSED)
		die_sys(EXIT_TEMP, "ask qsend");
	queue = queue_dir("");
	if (queue == -1 || faccessat(queue, "cur", R_OK | X_OK, 0) == -1)
		die_msg(EXIT_TEMP, "qsend is not running");
	warn_msg("qsend is not running: these are the files");
	each_file(queue, "new", take, arg);
	each_file(queue, "cur", take, arg);
	(void)close(queue);
	return 0;
}
