/* qlimits: every size that something outside a program can press against.
 * Bytes unless a name says otherwise. Each is in the man page of its program.
 */
#ifndef QUOIN_QLIMITS_H
#define QUOIN_QLIMITS_H

/* Names */
#define LIMIT_ADDRESS 900 /* local@domain as it stands in an envelope */
#define LIMIT_LOCAL   640 /* RFC 5321 says 64; VERP and SRS need more */
#define LIMIT_DOMAIN  255 /* RFC 1035 2.3.4 */
#define LIMIT_USER    64  /* a system's or table's user name */
#define LIMIT_PATH    1024

/* Text and logs */
#define LIMIT_TEXT    400  /* text of a peer or program in a reply or bounce */
#define LIMIT_LOGLINE 4096 /* one write to a pipe is whole up to PIPE_BUF */

/* A message and its envelope */
#define LIMIT_ENVELOPE   (8 * 1024 * 1024)
#define LIMIT_RECIPIENTS 10000       /* of one submission */
#define LIMIT_ENVID      100         /* RFC 3461 4.4, as xtext */
#define LIMIT_ORCPT      500         /* RFC 3461 4.2, type and xtext */
#define LIMIT_CHUNK      65536       /* one netstring of message bytes */
#define LIMIT_MESSAGE    0x7fffffffL /* databytes 0 means this */
#define LIMIT_HOPS       100         /* Received fields */
#define LIMIT_HEADER     (10 * 1024 * 1024)
#define LIMIT_FIELDS     20000

/* Frames between our programs (SOCK_SEQPACKET, one frame a packet) */
#define LIMIT_FRAME    61440
#define LIMIT_JOBRCPTS 50   /* recipients of one job; fewer where the frame is full */
#define LIMIT_ROUTE    1024 /* the route of a job: several next hops */
#define LIMIT_JOBAUTHS 8    /* hops of a route that get a password */

/* control/smtpauth */
#define LIMIT_SMTPUSER     255
#define LIMIT_SMTPPASSWORD 1024

/* control/destconcurrency, control/destrate */
#define LIMIT_DESTCONCURRENCY 1000  /* jobs at one destination */
#define LIMIT_DESTRATE        60000 /* messages a minute */

/* DNS (dns.h) */
#define LIMIT_DNSRECORDS 100 /* of one answer; further ones are not looked at */
#define LIMIT_CNAMES     8   /* links of a CNAME chain */
#define LIMIT_DNSSERVERS 4

/* A server's reply (qremote) */
#define LIMIT_REPLYLINE  2048 /* RFC 5321 4.5.3.1.5 says 512 */
#define LIMIT_REPLYLINES 100
#define LIMIT_REPLY      4096 /* what is kept of its text */

/* Control files */
#define LIMIT_CONTROL     16777216 /* a whole file: 100,000 domains and more */
#define LIMIT_CONTROLLINE 4096

#endif
