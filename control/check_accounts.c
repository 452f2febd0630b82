/* Accounts: does each have its home, and is there memory to judge their passwords? */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checks.h"
#include "control.h"
#include "finding.h"
#include "paths.h"

enum { LINE = 4096, MEGABYTES = 19, MEGABYTES_MAX = 256, PASSES_MAX = 20 };

/* A line "name:hash:uid:gid:home". */
static void check_account(const char *path, unsigned number, char *line)
{
	char *field[5] = {line};
	struct stat st;
	size_t n = 1;

	for (char *p = line; n < 5 && (p = strchr(p, ':')) != NULL; n++) {
		*p++ = '\0';
		field[n] = p;
	}
	if (n < 5) {
		problem("%s: line %u: not five fields", path, number);
		remedy("qctl user cdb");
		return;
	}
	if (line[0] == '+' || (stat(field[4], &st) == -1 && errno == EACCES))
		return;
	if (stat(field[4], &st) == -1) {
		problem("account %s: its home %s: %s", field[0], field[4],
			strerror(errno));
		remedy("qctl user del %s && qctl user add %s", field[0], field[0]);
	} else if (st.st_uid != strtoul(field[2], NULL, 10)) {
		problem("account %s has uid %s, its home %s belongs to %lu", field[0],
			field[2], field[4], (unsigned long)st.st_uid);
		remedy("qctl user del %s && qctl user add %s", field[0], field[0]);
	}
}

static void check_lines(void)
{
	char path[LIMIT_PATH], line[LINE];
	unsigned number = 0;
	FILE *f;

	if (!path_join(path, sizeof path, paths.users, "passwd") ||
	    !(f = fopen(path, "re")))
		return; /* none, or not ours to read */
	while (fgets(line, sizeof line, f)) {
		number++;
		line[strcspn(line, "\n")] = '\0';
		if (line[0] != '#' && line[strspn(line, " \t\r")] != '\0')
			check_account(path, number, line);
	}
	(void)fclose(f);
}

/* "MEGABYTES PASSES": the megabytes, or 0. */
static unsigned long read_cost(const char *line)
{
	char *end;
	unsigned long megabytes = strtoul(line, &end, 10);
	unsigned long passes = strtoul(end, &end, 10);

	if (*end != '\0' || megabytes > MEGABYTES_MAX || passes == 0 ||
	    passes > PASSES_MAX)
		return 0;
	return megabytes;
}

/* As many judges as cores at once. */
static void check_cost(void)
{
	char *line = NULL;
	unsigned long megabytes = MEGABYTES;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long memory = sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) / 1024;

	if (control_line("passwordcost", &line) == 1)
		megabytes = read_cost(line);
	if (megabytes == 0) {
		problem("control/passwordcost: not MEGABYTES PASSES (1 to %d, 1 to %d)",
			MEGABYTES_MAX, PASSES_MAX);
		remedy("echo 19 2 > %s/passwordcost", paths.control);
	} else if (cores > 0 && memory > 0 &&
		   megabytes * (unsigned long)cores > (unsigned long)memory / 2) {
		problem("control/passwordcost: %lu MB for each of %ld cores, of %ld MB",
			megabytes, cores, memory);
		remedy("echo 19 2 > %s/passwordcost", paths.control);
	}
	free(line);
}

void check_accounts(void)
{
	check_lines();
	check_cost();
}
