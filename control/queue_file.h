/* queue_file: whole queue files and journals of the queue, or of a directory beside it.
 *
 * Errors: -1 with errno, EBADMSG: damaged. What is written is synced when 0 comes back;
 *         its directory is not.
 */
#ifndef QUOIN_QUEUE_FILE_H
#define QUOIN_QUEUE_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "journal.h"

/* To read, no link followed. */
int file_open(int dir, const char *name);

/* Every checksum of an open queue file. */
enum damage { DAMAGE_NONE, DAMAGE_HEAD, DAMAGE_MESSAGE, DAMAGE_UNREAD };
enum damage file_damage(int fd);

/* Do two open queue files hold the same message? */
int file_same(int one, int two);

/* Whose a new file is to be. */
struct like {
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

int file_copy(int from, int dir, const char *name, const struct like *like);

/* A journal: fd -1 if there is none; len bytes of size are whole. */
struct history {
	int fd;
	uint64_t len;
	uint64_t size;
	int held;
};
int history_read(int dir, const char *name, const char *id, struct history *h);

/* A copy that says held (1), released (0), or the same as before (-1). */
int history_copy(const struct history *h, int dir, const char *name, const char *id,
		 int held, const struct like *like);

/* While qsend does not run: the journal id in that directory says released, durably. */
int history_release(int dir, const char *id);

#endif
