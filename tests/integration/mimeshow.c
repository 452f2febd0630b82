/* mimeshow: what lib/mime says of messages, for test_mime.py.
 *
 * Lines on descriptor 0:
 *	D PATH		ENVELOPE, BODYSTRUCTURE, BODY and the size in CRLF form
 *	S PATH SECTION	the bytes of BODY[SECTION], as they go over the wire
 *	F PATH NAME	HEADER.FIELDS (NAME) and HEADER.FIELDS.NOT (NAME)
 * Answers on descriptor 1, each "LENGTH LF bytes LF"; "-1 LF" for a section that is not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mime/digest.h"
#include "mime/section.h"
#include "sbuf.h"

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(111);
}

static void say(const char *p, size_t n)
{
	printf("%zu\n", n);
	fwrite(p, 1, n, stdout);
	putchar('\n');
}

static void show_digest(const struct mime *m)
{
	struct sbuf d = SBUF_INIT(SIZE_MAX / 2);
	char number[32];

	if (digest_make(&d, m) == -1)
		die("digest_make");
	for (int what = DIGEST_ENVELOPE; what <= DIGEST_BODY; what++) {
		const char *p;
		size_t n;

		if (!digest_get(d.p, d.len, (enum digest_what)what, &p, &n))
			die("digest_get");
		say(p, n);
	}
	say(number,
	    (size_t)snprintf(number, sizeof number, "%llu", (unsigned long long)m->wire));
	sbuf_free(&d);
}

static int read_section(const char *text, struct section *s)
{
	static const char *const words[] = {"", "HEADER", "TEXT", "MIME"};

	*s = (struct section){0};
	while (*text >= '0' && *text <= '9') {
		s->path[s->levels++] = (uint32_t)strtoul(text, (char **)&text, 10);
		text += *text == '.';
	}
	for (int k = SECTION_ALL; k <= SECTION_MIME; k++)
		if (strcmp(text, words[k]) == 0) {
			s->kind = (enum section_kind)k;
			return 0;
		}
	return -1;
}

static void show_section(const struct mime *m, int fd, const char *text)
{
	struct section s;
	struct section_range r;
	char *disk, *wire;
	size_t n, len;
	int in_cr = 0;

	if (read_section(text, &s) == -1)
		die("section");
	if (!section_find(m->part, m->n, &s, &r)) {
		puts("-1");
		return;
	}
	n = (size_t)(r.end - r.start);
	disk = malloc(n + 1);
	wire = malloc(2 * n + 1);
	if (disk == NULL || wire == NULL ||
	    pread(fd, disk, n, (off_t)r.start) != (ssize_t)n)
		die("read");
	len = wire_crlf(wire, disk, n, &in_cr);
	if (len != r.wire) {
		fprintf(stderr, "%s: %zu bytes, not %llu\n", text, len,
			(unsigned long long)r.wire);
		exit(100);
	}
	say(wire, len);
	free(disk);
	free(wire);
}

static void show_fields(const struct mime *m, const char *name)
{
	struct sbuf b = SBUF_INIT(SIZE_MAX / 2);

	for (int not = 0; not < 2; not ++) {
		sbuf_clear(&b);
		if (section_fields(&b, m->header.p, m->header.len, &name, 1, not ) == -1)
			die("section_fields");
		say(b.p, b.len);
	}
	sbuf_free(&b);
}

static void obey(struct mime *m, char *line)
{
	char *path = line + 2, *arg = strchr(path, ' ');
	int fd;

	if (arg == NULL)
		arg = path + strlen(path);
	else
		*arg++ = '\0';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1 || mime_file(m, fd) == -1)
		die(path);
	if (line[0] == 'D')
		show_digest(m);
	else if (line[0] == 'S')
		show_section(m, fd, arg);
	else
		show_fields(m, arg);
	close(fd);
}

int main(void)
{
	struct mime m;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	mime_init(&m);
	while ((n = getline(&line, &cap, stdin)) > 0) {
		line[n - 1] = '\0';
		obey(&m, line);
		fflush(stdout);
	}
	free(line);
	mime_free(&m);
	return 0;
}
