/* qread: head and envelope of an open queue file, checked; the message is not read.
 *
 * Owner:  *bytes holds the envelope's strings; free() it.
 * Errors: -1 with errno, EBADMSG: the file is torn or garbled.
 */
#ifndef QUOIN_QREAD_H
#define QUOIN_QREAD_H

#include "qfile.h"

int qread(int fd, struct qfile_head *h, char **bytes, struct envelope *e);

#endif
