/* takeover: uids and keywords of another server become ours, so that no client need download
 * again.
 *
 * Reads, in a folder without quoin-uids: dovecot-uidlist (version 3 and 1; fields P: POP3's
 * UIDL) and dovecot-keywords, or courierimapuiddb, courierimapkeywords/ and in the root
 * courierpop3dsizelist (UIDL): those of the server that wrote last. INBOX's UIDLs that Dovecot
 * did not store are made as it makes them if nobody says otherwise, %08Xu%08Xv.
 * Their files stay as they are. What is damaged is left out, with uids of our own above.
 * Errors: -1 with errno (EEXIST: it has uids of ours); 0 nothing to take over; 1 done.
 */
#ifndef QUOIN_MAILDIR_TAKEOVER_H
#define QUOIN_MAILDIR_TAKEOVER_H

int takeover(int dir);

#endif
