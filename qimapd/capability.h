/* capability: what we can, as CAPABILITY says it (and the answer to the login).
 */
#ifndef QIMAPD_CAPABILITY_H
#define QIMAPD_CAPABILITY_H

void capability_put(void); /* "CAPABILITY IMAP4rev1 …", without a line's end */

#endif
