/* boxlist DIR: what box.h shows of a folder, for pytest: "UIDVALIDITY UIDNEXT", then for each
 * message "UID NAME FLAGS KEYWORDS... UIDL" with tabs between. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "maildir/box.h"
#include "prog.h"

static void show(struct box *b, size_t i)
{
	const struct msg *m = box_at(b, i);
	char uidl[71];

	if (m == NULL)
		die_sys(EXIT_TEMP, "read a message");
	(void)printf("%" PRIu32 "\t%s\t%x\t", m->uid, m->name, (unsigned)m->flags);
	for (unsigned k = 0; k < BOX_KEYWORDS; k++)
		if (m->keywords & UINT64_C(1) << k)
			(void)printf("%s ", box_keyword(b, k));
	(void)printf("\t%s\n", box_uidl(b, i, uidl) ? uidl : "");
}

int main(int argc, char **argv)
{
	struct box b;
	int dir;

	prog_init("boxlist");
	if (argc != 2)
		die_usage("boxlist directory");
	box_boot();
	dir = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir == -1 || box_open(&b, dir, 0) == -1)
		die_sys2(EXIT_TEMP, "open", argv[1]);
	(void)printf("%" PRIu32 " %" PRIu32 "\n", b.uidvalidity, b.uidnext);
	for (size_t i = 0; i < b.count; i++)
		show(&b, i);
	box_close(&b);
	return fflush(stdout) != 0;
}
