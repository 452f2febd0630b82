/* floor: what the machine itself takes for the least that a durable message needs: a file
 * created, 4 KB written, synced, renamed into another directory, that one synced.
 *
 *	floor WRITERS COUNT	in the working directory
 *
 * Prints: messages a second, CPU milliseconds a message (that of the writers alone).
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "num.h"
#include "prog.h"

enum { SIZE = 4096, WRITERS_LIMIT = 1000, COUNT_LIMIT = 10000000, NAME = 64 };

static int open_dir(const char *name)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY);

	if (fd == -1)
		die_sys2(EXIT_TEMP, "open", name);
	return fd;
}

static void write_one(int tmp, int new, const char *name)
{
	static const char bytes[SIZE];
	int fd = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd == -1 || write(fd, bytes, SIZE) != SIZE || fsync(fd) == -1 ||
	    close(fd) == -1 || renameat(tmp, name, new, name) == -1 || fsync(new) == -1)
		die_sys2(EXIT_TEMP, "write", name);
}

static _Noreturn void write_all(uint64_t count)
{
	int tmp = open_dir("floor.tmp");
	int new = open_dir("floor.new");
	char name[NAME];

	for (uint64_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof name, "%ld.%llu", (long)getpid(),
			       (unsigned long long)i);
		write_one(tmp, new, name);
	}
	_exit(0);
}

static double cpu_ms(void)
{
	struct rusage r;

	if (getrusage(RUSAGE_CHILDREN, &r) == -1)
		die_sys(EXIT_TEMP, "read the time used");
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e3 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e3;
}

int main(int argc, char **argv)
{
	uint64_t writers, count;
	int64_t begin;
	int status;

	prog_init("floor");
	if (argc != 3 || num_parse(argv[1], WRITERS_LIMIT, &writers) == -1 ||
	    num_parse(argv[2], COUNT_LIMIT, &count) == -1 || writers == 0 ||
	    count < writers)
		die_usage("floor WRITERS COUNT");
	count = count / writers * writers;
	(void)mkdir("floor.tmp", 0700);
	(void)mkdir("floor.new", 0700);
	begin = clock_mono_ms();
	for (uint64_t i = 0; i < writers; i++)
		if (fork() == 0)
			write_all(count / writers);
	while (wait(&status) > 0)
		if (status != 0)
			die_msg(EXIT_TEMP, "a writer failed");
	begin = clock_mono_ms() - begin;
	printf("%.0f %.3f\n", (double)count * 1e3 / (double)(begin ? begin : 1),
	       cpu_ms() / (double)count);
	return 0;
}
