/* checks: the parts of qctl check; each looks at one thing and speaks by finding.h.
 *
 * They change nothing, ask nothing of the network, and take an unreadable file
 * for a note: an ordinary user may run them and sees less.
 */
#ifndef QUOIN_CHECKS_H
#define QUOIN_CHECKS_H

void check_modes(void); /* owners and modes, by bin/house/modes */
void check_modes_of(const char *first,
		    int mend); /* rows of package/modes that begin so */
void check_programs(void);     /* no setuid, nothing that others may write */
void check_control(void);      /* names, modes and line ends of control files */
void check_domains(void);      /* me, rcpthosts, locals, virtualdomains */
void check_remote(void);       /* smtproutes, outgoingip, destrate and their like */
void check_tables(void);       /* compiled tables: broken, or not made of their text */
void check_aliases(void);      /* root, postmaster, mailer-daemon are read by somebody */
void check_queue(void);        /* room on the disk, files set aside */
void check_tls(void);          /* certificates and keys: there, fitting, in time */
void check_accounts(void);     /* their homes, and what a password costs */
void check_login(void);        /* files of passwords, and who judges them */
void check_submission(void);   /* userlimit, senders, relaykeys */
void check_reading(void);      /* ports, sessions, quota: POP3 and IMAP */
void check_system(void);       /* sandbox, sendmail, the port */

/* The uid (group: the gid) of a name of package/users, or -1. */
long number_of(const char *name, int group);

/* Is a file of control/ one that others must not read? */
int is_secret(const char *name);

/* -C DIR of qctl, or NULL for the installed Quoin. */
extern const char *private_home;

#endif
