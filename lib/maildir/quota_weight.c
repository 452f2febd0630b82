#include <sys/stat.h>
#include <unistd.h>

#include "maildir/box.h"
#include "maildir/name.h"
#include "maildir/quota.h"

static uint64_t on_disk(struct box *b, size_t i)
{
	int fd = box_message(b, i);
	struct stat st;
	uint64_t n = 0;

	if (fd == -1)
		return 0;
	if (fstat(fd, &st) == 0)
		n = (uint64_t)st.st_size;
	(void)close(fd);
	return n;
}

uint64_t quota_weight(struct box *b, const uint32_t *at, size_t n)
{
	uint64_t bytes = 0;

	for (size_t k = 0; k < n; k++) {
		const struct msg *m = box_at(b, at[k]);
		struct msg_name name;

		if (m == NULL)
			continue;
		if (msg_name_read(&name, m->name) == 0 && name.has_s)
			bytes += name.s;
		else
			bytes += on_disk(b, at[k]);
	}
	return bytes;
}
