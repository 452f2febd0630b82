/* stamps: have the control files changed since they were read? What a template
 * (lib/template.h) asks before each session, by one stat(2) a file: links are followed,
 * and a file that was not there is known, too.
 *
 * A file that was changed within STAMPS_YOUNG_S before it was read may change again
 * without showing it: from the second question on it counts as changed. (The first is that
 * of the connection for which the template was started.)
 */
#ifndef QSMTPD_STAMPS_H
#define QSMTPD_STAMPS_H

enum { STAMPS_YOUNG_S = 2 };

/* Before the files are read. -1 with errno. */
int stamps_take(int submission);

int stamps_have_changed(void);

#endif
