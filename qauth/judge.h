/* judge: how qauth asks a judge about one password, and how it hears "yes".
 *
 * A judge is a process with
 *
 *	0 1	/dev/null
 *	2	a pipe whose lines qauth logs
 *	3	a pipe: user NUL password NUL timestamp NUL, then the end of file
 *	4	JUDGE_FD, a SOCK_SEQPACKET
 *	environment	PATH, SERVICE (smtp, pop3, imap), TCPREMOTEIP, PROTO=TCP
 *
 * and by the checkpassword interface it exits 1: wrong, 2: misused, 111: later. Any
 * other end without a yes counts as later. Yes is the frame JUDGE_YES on JUDGE_FD,
 * never an exit code.
 *
 * Built in (no control/checkpassword), as quoina:
 *
 *	bin/qcheckpw [-C DIR] -r 4
 *
 * Mostly one of them is there already and forks the judge (stem.h):
 *
 *	bin/qcheckpw [-C DIR] -f 3
 *
 * That judge has the SOCK_SEQPACKET alone: user NUL password NUL service NUL comes by it,
 * then the end of file, and the yes goes back. It may have been forked before there is a
 * password; what it opens is opened when there is one, and before it is read.
 *
 * -r FD: when the password is right it sends the frame on FD, exits 0 and runs nothing.
 * The account is pwrec_key(user), whatever the judge thinks; uid, gid and home are
 * those of users/passwd.cdb, read by qauth.
 *
 * Else the words of control/checkpassword, as root, and behind them
 *
 *	bin/qauth-enter [PROGRAM ARGUMENT...]
 *
 * which the checker runs as the user, with USER, HOME and SHELL set, in his home.
 * qauth-enter refuses uid and gid 0 (exit 111), sends the frame, and without a PROGRAM
 * exits 0. With one it waits for JUDGE_SESSION and its descriptor, puts that at 0 and 1
 * and runs PROGRAM. So no judge has a session's descriptor before the password was right,
 * and none has it as root.
 */
#ifndef QAUTH_JUDGE_H
#define QAUTH_JUDGE_H

enum { JUDGE_PASSWORD_FD = 3, JUDGE_FD = 4 };

#define JUDGE_YES     "Y" /* from the judge */
#define JUDGE_SESSION "S" /* to qauth-enter, + the session */

#endif
