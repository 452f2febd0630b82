/* draft: a message on its way into the queue.
 *
 * It is collected in memory; what is over DRAFT_BUFFER goes to tmp/ID meanwhile. The
 * rest (create the file if need be, write, sync, rename to new/ID, sync new/) is
 * draft_commit(), which waits for the disk and belongs into a worker thread. Until
 * then nothing is promised.
 *
 * Owner:  draft_begin() .. draft_drop(); between draft_commit()'s start and end the
 *	   worker is the only one to touch it.
 * Errors: -1 with errno. After a failed draft_add() or draft_commit() nothing of the
 *	   message is left in the queue; its memory is, until draft_drop().
 */
#ifndef QQUEUE_DRAFT_H
#define QQUEUE_DRAFT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "msgid.h"
#include "qfile.h"
#include "qid.h"
#include "qlimits.h"
#include "sbuf.h"
#include "sum.h"

enum { DRAFT_BUFFER = LIMIT_CHUNK };

struct draft {
	char id[QID_LEN + 1];
	int tmp_dir; /* queue/tmp, borrowed */
	int fd;      /* open on tmp/ID, -1 until something is written */
	int in_tmp;  /* tmp/ID exists */
	struct sbuf b;
	size_t front; /* head and envelope at the front of b; 0 while they grow */
	size_t written;
	uint64_t msg_len;
	struct sum sum;
	size_t sender; /* offset in b */
	size_t login;  /* the same; 0: none */
	size_t nrcpts;
	struct msgid msgid;
};

/* Memory that draft_drop() has never to free. */
void draft_init(struct draft *d);

__attribute__((warn_unused_result)) int draft_begin(struct draft *d, const char *id,
						    int tmp_dir, uid_t submitter);

/* EMSGSIZE: over LIMIT_ENVELOPE. */
__attribute__((warn_unused_result)) int draft_envelope(struct draft *d, const char *p,
						       size_t n);

/* The envelope is whole. EBADMSG: not understood; E2BIG: too many recipients; EPERM:
 * fields that only a trusted submitter may claim. */
__attribute__((warn_unused_result)) int draft_envelope_end(struct draft *d, int trusted);

/* Message bytes. EMSGSIZE: over LIMIT_MESSAGE. */
__attribute__((warn_unused_result)) int draft_add(struct draft *d, const char *p,
						  size_t n);

/* 0: the message is in new/, durable. new_dir: a descriptor of queue/new that was
 * opened before and that no other thread syncs, so that each error of the directory
 * is told to each thread. */
__attribute__((warn_unused_result)) int draft_commit(struct draft *d, int new_dir);

/* Without a commit: nothing is left. */
void draft_drop(struct draft *d);

#endif
