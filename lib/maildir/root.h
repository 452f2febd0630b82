/* root: the Maildir that a folder belongs to.
 *
 * A folder of Maildir++ has a file maildirfolder in it. Foreign programs forget it: a
 * directory whose parent has a cur/ and lists it with a dot in front is a folder too, and
 * gets the file.
 * Owner:  the descriptor is the caller's. Errors: -1 with errno.
 */
#ifndef QUOIN_MAILDIR_ROOT_H
#define QUOIN_MAILDIR_ROOT_H

__attribute__((warn_unused_result)) int maildir_root(int dir);

/* May maildir_root() be another directory than dir? */
__attribute__((warn_unused_result)) int maildir_is_folder(int dir);

#endif
