/* What surrounds Quoin: the disk, the kernel, other mail systems. */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "checks.h"
#include "finding.h"
#include "jail.h"
#include "paths.h"

static void check_bad(void)
{
	char path[LIMIT_PATH];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	if (!path_join(path, sizeof path, paths.queue, "bad") || !(d = opendir(path)))
		return; /* only root may look */
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	(void)closedir(d);
	if (n == 0)
		return;
	problem("%u queue files in %s: the disk damaged them", n, path);
	remedy("look at them, at the disk, then remove them");
}

void check_queue(void)
{
	struct statvfs vfs;

	check_bad();
	if (statvfs(paths.queue, &vfs) == -1) {
		if (errno != EACCES && errno != ENOENT)
			problem("%s: %s", paths.queue, strerror(errno));
		return;
	}
	if (vfs.f_bavail < vfs.f_blocks / 20) {
		problem("%s: less than 5 %% of the disk is free", paths.queue);
		remedy("df -h %s", paths.queue);
	}
	if (vfs.f_files > 0 && vfs.f_favail < vfs.f_files / 20) {
		problem("%s: less than 5 %% of the inodes are free", paths.queue);
		remedy("df -i %s", paths.queue);
	}
}

static void check_sandbox(void)
{
	int lacks = jail_lacks();

	if (lacks & JAIL_NO_LANDLOCK)
		note("this kernel has no Landlock (ABI 2): programs are not confined to "
		     "their paths");
	if (lacks & JAIL_NO_SECCOMP)
		note("this kernel has no seccomp: programs may use all system calls");
}

static void check_sendmail(void)
{
	static const char *const places[] = {"/usr/sbin/sendmail", "/usr/lib/sendmail"};
	char target[LIMIT_PATH];
	size_t len = strlen(paths.bin);

	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		ssize_t n = readlink(places[i], target, sizeof target - 1);

		if (n == -1 && errno == ENOENT) {
			problem("no %s: programs of this host cannot send", places[i]);
			remedy("package/install");
			continue;
		}
		if (n == -1 || (size_t)n <= len || memcmp(target, paths.bin, len) != 0) {
			problem("%s is another mail system's", places[i]);
			remedy("package/install --replace");
		}
	}
}

/* Does somebody listen on the port, although no s6-svscan of ours runs? */
static void check_port(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(25)};
	char path[LIMIT_PATH];
	int fd;

	if (path_join(path, sizeof path, paths.run, "service/qsmtpd/supervise") &&
	    access(path, F_OK) == 0)
		return;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0) {
		problem("port 25 is in use, and not by Quoin");
		remedy("ss -ltnp 'sport = 25'");
	}
	(void)close(fd);
}

void check_system(void)
{
	check_sandbox();
	if (private_home)
		return;
	check_sendmail();
	check_port();
}
