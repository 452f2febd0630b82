/* step_int: what the steps into a Maildir and into an mbox share. */
#ifndef QLOCAL_STEP_INT_H
#define QLOCAL_STEP_INT_H

#include "step.h"

/* Nobody is there to hear the answer: end, before anything is made visible. */
void step_check_lifeline(const struct stepper *s);

/* The lines that a delivery puts before a message. */
int step_prefix(const struct delivery *d, message_sink *sink, void *arg);

#endif
