/* warm: one handshake with ourselves in the starter, in memory, with a key of the moment.
 *
 * What the library looks up at its first use is then in pages that all sessions share:
 * 20 KiB less for each. That it fails does not matter.
 */
#ifndef QTLS_WARM_H
#define QTLS_WARM_H

void warm_up(void);

#endif
