/* jailbits: Landlock's rights as Quoin knows them, grouped into the words of a
 * sandbox table. Values are the kernel's; headers of Debian 12 lack the newer ones.
 */
#ifndef QUOIN_JAILBITS_H
#define QUOIN_JAILBITS_H

#define JAIL_EXEC      (1ULL << 0)
#define JAIL_WRITE     (1ULL << 1 | 1ULL << 14) /* WRITE_FILE, TRUNCATE (ABI 3) */
#define JAIL_READ      (1ULL << 2 | 1ULL << 3)  /* READ_FILE, READ_DIR */
#define JAIL_REMOVEDIR (1ULL << 4)              /* also to rename one */
#define JAIL_REMOVE    (1ULL << 5)              /* REMOVE_FILE */
#define JAIL_MAKEDIR   (1ULL << 7)
#define JAIL_MAKE      (1ULL << 8) /* MAKE_REG */
#define JAIL_MAKESOCK  (1ULL << 9)
#define JAIL_MOVE      (1ULL << 13) /* REFER (ABI 2) */

/* All that ABI 2 governs, TRUNCATE (3), IOCTL_DEV (5). */
#define JAIL_FS_ABI2 ((1ULL << 14) - 1)
#define JAIL_FS_ABI3 ((1ULL << 15) - 1)
#define JAIL_FS_ABI5 ((1ULL << 16) - 1)

/* What may be granted on a file that is no directory. */
#define JAIL_FS_FILE (JAIL_EXEC | JAIL_WRITE | 1ULL << 2)

/* ABI 6: no signal to, no abstract socket of, a process outside. */
#define JAIL_SCOPES 3ULL

#endif
