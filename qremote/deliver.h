/* deliver: a job from its hosts to its outcome. */
#ifndef QREMOTE_DELIVER_H
#define QREMOTE_DELIVER_H

#include "config.h"
#include "demand.h"
#include "dest.h"
#include "destination.h"
#include "dns.h"
#include "qlimits.h"
#include "remotejob.h"
#include "self.h"
#include "smtp.h"

struct job;
struct outcome;

/* All that qremote knows; static storage. */
struct remote {
	struct config config;
	struct self self;
	struct dns dns;
	struct dest dest;
	struct demands demands;
	struct smtp smtp;
	const struct remotejob_dead *dead; /* of the job */
	struct remotejob_tried tried;
	char skipped[LIMIT_DOMAIN + 64];    /* the first of those */
	char destination[DESTINATION_SIZE]; /* of the first job, and so of all */
};

void remote_begin(struct remote *r);

/* Decides every recipient. fd: the queue file; guard: where the job came from; dead:
 * whom to leave alone. r->tried tells who was tried. Returns the pace (job.h). */
char deliver(struct remote *r, const struct job *j, const struct remotejob_dead *dead,
	     int fd, int guard, struct outcome *o);

/* Take leave of the server. */
void remote_end(struct remote *r);

#endif
