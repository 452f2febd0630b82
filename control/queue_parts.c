/* Names in the directory between two hosts. */
#include "queue_parts.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void part_name(char name[PART_NAME], const char *id, const char *suffix)
{
	(void)snprintf(name, PART_NAME, "%s%s", id, suffix);
}

int part_is(const char *name, const char *suffix, char id[QID_LEN + 1])
{
	uint64_t ns;

	if (strlen(name) < QID_LEN || strcmp(name + QID_LEN, suffix) != 0)
		return 0;
	memcpy(id, name, QID_LEN);
	id[QID_LEN] = '\0';
	return qid_parse(id, &ns) == 0;
}

int part_exists(int dir, const char *id, const char *suffix)
{
	char name[PART_NAME];

	part_name(name, id, suffix);
	return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int part_unlink(int dir, const char *id, const char *suffix)
{
	char name[PART_NAME];

	part_name(name, id, suffix);
	return unlinkat(dir, name, 0);
}
