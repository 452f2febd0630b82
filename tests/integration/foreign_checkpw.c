/* foreign_checkpw: a checkpassword program as others write them: nothing of Quoin's, the
 * oldest form of the interface. foreign_checkpw NAME PASSWORD UID HOME PROGRAM ...
 */
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static char up[513];
	size_t len = 0;
	ssize_t r;
	char *password;
	uid_t uid;
	gid_t gid;

	if (argc < 6)
		return 2;
	do {
		r = read(3, up + len, sizeof up - len);
		if (r == -1)
			return 111;
		len += (size_t)r;
	} while (r > 0 && len < sizeof up);
	if (len == sizeof up)
		return 1;
	(void)close(3);
	if (memchr(up, '\0', len) == NULL)
		return 2;
	password = up + strlen(up) + 1;
	if (password >= up + len ||
	    memchr(password, '\0', len - (size_t)(password - up)) == NULL)
		return 2;
	if (strcmp(up, argv[1]) != 0 || strcmp(password, argv[2]) != 0)
		return 1;
	memset(up, 0, sizeof up);
	uid = (uid_t)strtoul(argv[3], NULL, 10);
	gid = (gid_t)uid;
	if (geteuid() == 0 &&
	    (setgroups(1, &gid) == -1 || setgid(gid) == -1 || setuid(uid) == -1))
		return 111;
	if (setenv("USER", argv[1], 1) == -1 || setenv("HOME", argv[4], 1) == -1 ||
	    setenv("SHELL", "/bin/sh", 1) == -1 || chdir(argv[4]) == -1)
		return 111;
	(void)execvp(argv[5], argv + 5);
	return 111;
}
