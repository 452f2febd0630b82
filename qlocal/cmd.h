/* cmd: what the commands of dot-files share. They are programs of their own, run as the
 * user by a `|` line (or by hand): the message on descriptor 0, which can be read again
 * from its beginning.
 */
#ifndef QLOCAL_CMD_H
#define QLOCAL_CMD_H

/* Run a program with the message on its descriptor 0, put back to its beginning for us:
 * its exit code. Ends with 111 if the program could not be started or was killed. */
int cmd_run(char **argv);

/* Submit the message for these addresses, as NEWSENDER and with DTLINE in front. Ends
 * with 100 or 111 when the queue does not take it. */
void cmd_forward(char *const *addresses);

/* Descriptor 0 at its beginning. A pipe stays where it is. */
void cmd_rewind(void);

#endif
