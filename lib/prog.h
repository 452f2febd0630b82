/* prog: how a program ends and warns.
 *
 * One line on standard error, one write, `NAME: fatal: unable to VERB: REASON`,
 * and the exit code: 100 if trying again cannot help, 111 if it may.
 * Words: fatal (the admin can mend it), warning, bug (only we can).
 */
#ifndef QUOIN_PROG_H
#define QUOIN_PROG_H

enum { EXIT_PERM = 100, EXIT_TEMP = 111 };

/* First call of every main. name must live for ever. */
void prog_init(const char *name);
extern const char *prog_name;

/* "fatal: unable to WHAT: strerror(errno)" */
_Noreturn void die_sys(int code, const char *what);
/* "fatal: unable to WHAT FILE: strerror(errno)" */
_Noreturn void die_sys2(int code, const char *what, const char *file);
/* "fatal: TEXT" */
_Noreturn __attribute__((format(printf, 2, 3))) void die_msg(int code, const char *fmt,
							     ...);
/* "usage: ..." and exit 100 */
_Noreturn void die_usage(const char *usage);

void warn_sys(const char *what);
void warn_sys2(const char *what, const char *file);
__attribute__((format(printf, 1, 2))) void warn_msg(const char *fmt, ...);

/* An assumption of ours is broken: say which, and go on. */
__attribute__((format(printf, 1, 2))) void bug_msg(const char *fmt, ...);

#endif
