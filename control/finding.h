/* finding: what qctl check says, as text for people or JSON for machines.
 *
 *	! control/me: does not exist		a problem, then the command that mends it
 *	...try: hostname -f > /etc/quoin/control/me
 *	...done: owner and mode set		or what was done about it
 *	- no rcpthosts: ...			a note: nothing is wrong
 *
 * One finding a line; bytes of files are escaped. Prints to standard output.
 */
#ifndef QUOIN_FINDING_H
#define QUOIN_FINDING_H

void finding_begin(int json);

/* The name of the check that speaks from now on. */
void finding_check(const char *name);

__attribute__((format(printf, 1, 2))) void problem(const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void note(const char *fmt, ...);

/* What mends the finding before it; at most one. */
__attribute__((format(printf, 1, 2))) void remedy(const char *fmt, ...);

/* The finding before it was mended just now: it no longer counts as a problem. */
__attribute__((format(printf, 1, 2))) void mended(const char *fmt, ...);

/* The number of problems, or -1 if the output could not be written. */
int finding_end(void);

#endif
