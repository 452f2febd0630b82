/* localjob: what qlspawn tells its child qlocal.
 *
 *	qlocal [-C DIR] -q FD -u USER -h HOME
 *
 * starts as that user (uid, gid and no other group), leader of its own process group,
 * in /, umask 077, environment PATH alone; 0 is /dev/null, 1 and 2 the pipe to
 * qlspawn's log, FD a SOCK_SEQPACKET socket; nothing else is open. A child serves one
 * user until the end of file on FD, then exits 0. It gets one job at a time, and the
 * next one only after its report:
 *
 *	frame  = dash NUL ext NUL alias NUL job		(job.h; with the descriptor)
 *	report = as in job.h, same slot, as many letters as the job has recipients
 *	       / "H": nothing was done, give the job to another child (which has what
 *	         this one lacks); this one gets no more jobs. Said at most once of a job.
 *
 * dash, ext: select HOME/.qmail DASH EXT, as qmail-local's arguments (dash "" or "-",
 * and what else users/assign may say, up to LIMIT_DASH bytes without a slash; ext keeps
 * its case, qlocal lowers it). alias: the key of control/aliases.cdb that
 * is to be carried out (alias.h) instead of a dot-file, or "".
 * job.route is the local part as routed (LOCAL, and with a recipient's domain RECIPIENT
 * and Delivered-To: for a virtual domain "prepend-user"@domain, as in qmail).
 * A job that is not answered in LOCALJOB_SECONDS is answered with Z and the child's
 * process group is killed; qlocal's own limits on programs must be shorter.
 */
#ifndef QUOIN_LOCALJOB_H
#define QUOIN_LOCALJOB_H

#include <stddef.h>

#include "job.h"
#include "qlimits.h"

enum {
	LOCALJOB_SECONDS = 1800,
	LOCALJOB_BACK = 'H',
	LIMIT_DASH = 7,
	/* the largest frame: three strings before a job's frame */
	LIMIT_LOCALFRAME = LIMIT_FRAME + 16 + 2 * (LIMIT_ADDRESS + 1)
};

struct localjob {
	const char *dash;
	const char *ext;
	const char *alias;
	struct job job;
};

/* The strings, then the n bytes of a job's frame. */
__attribute__((warn_unused_result)) int localjob_put(struct sbuf *b, const char *dash,
						     const char *ext, const char *alias,
						     const char *job, size_t n);

/* Pointers point into the frame. -1 with EBADMSG. */
__attribute__((warn_unused_result)) int localjob_get(struct localjob *l, const char *p,
						     size_t n);

#endif
