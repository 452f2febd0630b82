/* queue_parts: names in the directory that lies between two hosts.
 *
 * A message there is ID, or ID.part, .hold, .state, .taken while it is on its way
 * (queue_move.c and queue_take.c have the order).
 */
#ifndef QUOIN_QUEUE_PARTS_H
#define QUOIN_QUEUE_PARTS_H

#include "qid.h"

enum { PART_NAME = QID_LEN + sizeof ".state" };

void part_name(char name[PART_NAME], const char *id, const char *suffix);

/* Is name an id and that suffix? Then the id is in id. */
int part_is(const char *name, const char *suffix, char id[QID_LEN + 1]);

int part_exists(int dir, const char *id, const char *suffix);

/* 0, or -1 with errno. */
int part_unlink(int dir, const char *id, const char *suffix);

#endif
