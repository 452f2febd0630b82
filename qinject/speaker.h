/* speaker: `sendmail -bs`: SMTP on descriptors 0 and 1 for a program that knows no
 * other way to submit. It submits as the caller; there is no stranger on the other
 * side, so lines may end with LF alone and a greeting is not demanded.
 *
 * 0 after QUIT or the end of file between commands; -1 and a fail() record.
 */
#ifndef QUOIN_SPEAKER_H
#define QUOIN_SPEAKER_H

int speaker(void);

#endif
