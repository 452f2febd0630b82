#include "list.h"

#include <stddef.h>
#include <string.h>

#include "io.h"
#include "out.h"
#include "prog.h"

static const struct {
	unsigned bit;
	const char *name;
} uses[] = {{FOLDER_DRAFTS, "\\Drafts"},   {FOLDER_SENT, "\\Sent"},
	    {FOLDER_JUNK, "\\Junk"},       {FOLDER_TRASH, "\\Trash"},
	    {FOLDER_ARCHIVE, "\\Archive"}, {FOLDER_FLAGGED, "\\Flagged"},
	    {FOLDER_ALL, "\\All"}};

static void put_attributes(const struct folder *f, unsigned bits)
{
	if (!(f->bits & FOLDER_EXISTS))
		io_puts(bits & LIST_EXTENDED ? "\\NonExistent " : "\\Noselect ");
	io_puts(f->bits & FOLDER_CHILDREN ? "\\HasChildren" : "\\HasNoChildren");
	if (f->bits & FOLDER_MARKED)
		io_puts(" \\Marked");
	if ((bits & LIST_SUBSCRIBED) && (f->bits & FOLDER_SUBSCRIBED))
		io_puts(" \\Subscribed");
	for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
		if (f->bits & uses[i].bit) {
			io_putc(' ');
			io_puts(uses[i].name);
		}
}

void list_put(const struct folder *f, unsigned bits, const char *old)
{
	io_puts("* LIST (");
	put_attributes(f, bits);
	io_puts(") \".\" ");
	out_mailbox(f->name);
	if (old != NULL) {
		io_puts(" (\"OLDNAME\" (");
		out_mailbox(old);
		io_puts("))");
	} else if (bits & LIST_CHILDINFO) {
		io_puts(" (\"CHILDINFO\" (\"SUBSCRIBED\"))");
	}
	io_puts("\r\n");
}

void list_tell(const struct store *s, const char *name, const char *old)
{
	struct folders f;

	if (folders_read(&f, s, 0, 1) == -1) {
		warn_sys("read the folders");
		return;
	}
	for (size_t i = 0; i < f.n; i++)
		if (strcmp(f.folder[i].name, name) == 0)
			list_put(&f.folder[i], LIST_EXTENDED, old);
	folders_free(&f);
}
