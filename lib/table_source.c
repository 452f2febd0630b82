/* Is a table older than its text? By the checksum that it keeps (TABLE_SOURCE). */
#include "table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sum.h"

void table_sum(const void *p, size_t n, uint8_t sum[TABLE_SUM_LEN])
{
	struct sum s;

	sum_init(&s);
	sum_add(&s, p, n);
	sum_end(&s, sum);
}

static int sum_file(int fd, uint8_t sum[TABLE_SUM_LEN])
{
	static char buf[65536];
	struct sum s;
	ssize_t r;

	sum_init(&s);
	while ((r = read(fd, buf, sizeof buf)) != 0) {
		if (r == -1 && errno == EINTR)
			continue;
		if (r == -1)
			return -1;
		sum_add(&s, buf, (size_t)r);
	}
	sum_end(&s, sum);
	return 0;
}

static int sum_path(const char *path, uint8_t sum[TABLE_SUM_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r;

	if (fd == -1)
		return -1;
	r = sum_file(fd, sum);
	(void)close(fd);
	return r;
}

static int is_younger(const char *table, const char *text)
{
	struct stat a;
	struct stat b;

	if (stat(table, &a) == -1 || stat(text, &b) == -1)
		return -1;
	return a.st_mtime >= b.st_mtime;
}

int table_is_fresh(const char *table, const char *text)
{
	uint8_t sum[TABLE_SUM_LEN];
	char *kept;
	size_t len;
	int r = table_lookup(table, TABLE_SOURCE, TABLE_SOURCE_LEN, &kept, &len);

	if (r == 0 && access(table, F_OK) == -1)
		return errno == ENOENT ? 0 : -1;
	if (r == 0)
		return is_younger(table, text);
	if (r == -1)
		return -1;
	r = sum_path(text, sum);
	if (r == 0)
		r = len == sizeof sum && memcmp(kept, sum, len) == 0;
	free(kept);
	return r;
}
