/* smtp_int: what smtp.c (the connection) has for transaction.c (a message). */
#ifndef QREMOTE_SMTP_INT_H
#define QREMOTE_SMTP_INT_H

#include <stdint.h>

struct demand;
struct smtp;

/* Set s->why: "NAME: TEXT"; the connection is lost. Returns -1. */
__attribute__((format(printf, 2, 3))) int smtp_lose(struct smtp *s, const char *fmt, ...);

/* Set s->why to what the server said. Returns -1. */
int smtp_blame(struct smtp *s);

/* The same for a refusal of the session or the sender, where 4.7.x asks for less. */
int smtp_refuse(struct smtp *s);

/* Before a group of commands: nobody may have spoken yet, and limits for the write. */
int smtp_begin(struct smtp *s);

/* Append a command line. */
__attribute__((format(printf, 2, 3))) int smtp_put(struct smtp *s, const char *fmt, ...);

/* Append a line with a secret: the transcript gets its first words alone. The buffer is
 * wiped by smtp_flush_secret(). */
int smtp_put_secret(struct smtp *s, const char *words, const char *secret);
int smtp_flush_secret(struct smtp *s);

/* EHLO (or HELO), and what the server can do. */
int smtp_hello(struct smtp *s);

/* TLS, as d demands it, on a connection of which nothing has been read (tls_at_once) or
 * that has said EHLO. 0: goes on, in clear if that is allowed; -1: lost. */
int tls_at_once(struct smtp *s, const struct demand *d);
int tls_start(struct smtp *s, const struct demand *d);

/* AUTH, on a connection whose server is verified. */
int auth_login(struct smtp *s, const struct demand *d);

/* Write what was put. */
int smtp_flush(struct smtp *s);

/* Read a reply into s->reply, within ms. 0, or -1: lost; 421 (RFC 5321 3.8) too. what:
 * the command it answers, for s->why. */
int smtp_take(struct smtp *s, const char *what, int64_t ms);

#endif
