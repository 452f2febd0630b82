/* dryrun: prints what would be done with mail for an address, and does nothing:
 * qmail-local -n.
 */
#ifndef QLOCAL_DRYRUN_H
#define QLOCAL_DRYRUN_H

/* The eight arguments behind -n: user home local dash ext domain sender
 * defaultdelivery ("" for the control file's). The exit code: 0, 100 or 111. */
int dryrun(char *const *argv);

#endif
