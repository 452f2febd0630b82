/* maildirmake: makes a Maildir, mode 0700, durably.
 *
 * Runs as whoever calls it. Exit 0, or 111 when it could not be made or is there already.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maildir/deliver.h"
#include "prog.h"

/* Cut path into its directory and its last name, without final slashes. */
static const char *split(char *path, const char **dir)
{
	size_t n = strlen(path);
	char *slash;

	while (n > 1 && path[n - 1] == '/')
		path[--n] = '\0';
	slash = strrchr(path, '/');
	*dir = slash == NULL ? "." : slash == path ? "/" : path;
	if (slash == NULL)
		return path;
	*slash = '\0';
	return slash + 1;
}

int main(int argc, char **argv)
{
	const char *dir;
	const char *name;
	struct maildir m;
	int base;

	prog_init("maildirmake");
	if (argc != 2 || *argv[1] == '-' || *argv[1] == '\0')
		die_usage("maildirmake directory");
	name = split(argv[1], &dir);
	base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base == -1)
		die_sys2(EXIT_TEMP, "open the directory", dir);
	if (mkdirat(base, name, 0700) == -1 || maildir_open(&m, base, name, 1) == -1)
		die_sys2(EXIT_TEMP, "make", name);
	maildir_close(&m);
	return close(base) == -1;
}
