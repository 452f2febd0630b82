/* room: is there room in the mailbox of a local part? qrcpt's question (roomask.h), which is
 * answered out of a process that has become the user.
 *
 * run/qlspawn/sock: request = local part NUL, answer = ("+" / "-") local part NUL.
 * "+" too where nobody knows: an extension, an alias, a user of whom a process takes longer than
 * 2 s, or more than 8 questions at once. One caller at a time; a new one takes its place.
 */
#ifndef QLSPAWN_ROOM_H
#define QLSPAWN_ROOM_H

#include <poll.h>

enum { ROOM_POLLS = 2, ROOM_ASKED = 8, ROOM_MS = 2000 };

/* Nobody may ask where run/qlspawn is missing. -1: it cannot be served. */
int room_init(void);

/* ROOM_POLLS entries, and what came of them. */
void room_poll(struct pollfd *p);
void room_hear(const struct pollfd *p);
void room_settled(const char *name, char result);
/* Processes that have ended or take too long; at least once a second while room_busy(). */
void room_tick(void);
int room_busy(void);

#endif
