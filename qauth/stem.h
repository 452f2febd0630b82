/* stem: one qcheckpw that forks a judge for each password (lib/template.h), because to start
 * it anew costs ten times as much. It is started by the first password, has read no byte
 * of any, and is let go when there was none for five seconds, when a judge of its was
 * ended by a signal (every judge has its layout of memory), and now and then.
 * We wait for its answer, as for a fork; at most 2 s, then it is killed. It is not believed
 * either: what it calls a judge must be a new child of ours.
 * When nothing is to be judged it forks one judge more, so that the next password finds it
 * waiting. That one has not opened the table yet, and ends with the stem.
 */
#ifndef QAUTH_STEM_H
#define QAUTH_STEM_H

#include <stdint.h>

#include "child.h"

/* A judge for w, as child_judge() makes one. NULL: start it in the other way. */
struct child *stem_judge(const struct auth_want *w, const struct owner *o);

/* A child has ended. */
void stem_heard(const struct child *c, int status);

/* When to call it again. is_quiet: nobody waits for an answer of ours. */
int64_t stem_tick(int64_t now, int is_quiet);

#endif
