/* stem: the template (lib/template.h) that sessions are forked from, instead of a program
 * executed for each.
 *
 * It is started when there is a connection and none is there: at first, when it has gone,
 * when it asks for it, when a session was ended by a signal, and after STEM_SESSIONS of
 * them; the old one ends by itself. A connection that it did not take goes to the next,
 * STEM_TRIES times.
 */
#ifndef QLISTEN_STEM_H
#define QLISTEN_STEM_H

#include <signal.h>
#include <sys/types.h>

struct options;
struct ucspi;

enum { STEM_SESSIONS = 1000, STEM_TRIES = 3 };

/* As child_start() (child.h); env: the words of the connection. */
pid_t stem_session(const struct options *o, int fd, const struct ucspi *env,
		   const sigset_t *mask);

/* It starts no session any more. */
void stem_drop(void);

/* A child of ours has ended: was it the template? */
int stem_was(pid_t pid, int status);

#endif
