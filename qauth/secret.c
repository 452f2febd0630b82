#include "secret.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "control.h"
#include "cost.h"
#include "prog.h"

_Static_assert(crypto_pwhash_STRBYTES == LIMIT_PWHASH, "a hash is a hash");

enum { SHORT = 8, CTRL_C = 3 };

/* Byte by byte: what stands behind the line is not ours. NULL, or why there is none. */
static const char *read_line(char *out, size_t size)
{
	size_t n = 0;
	ssize_t r;
	char c = 0;

	while ((r = read(0, &c, 1)) == 1 && c != '\n') {
		if (c == '\0')
			return "a NUL byte in a password";
		if (c == CTRL_C)
			return "given up";
		if (n + 1 == size)
			return "a password has at most 1024 bytes";
		out[n++] = c;
	}
	if (r == -1)
		return strerror(errno);
	if (n > 0 && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	return n > 0 ? NULL : "no password: standard input gave none; -g makes one";
}
_Static_assert(LIMIT_PASSWORD == 1024, "the text above says it");

/* Keys that make signals would end the program with the echo off. */
static void echo_off(struct termios *before)
{
	struct termios t;

	if (tcgetattr(0, before) == -1)
		die_sys(EXIT_TEMP, "ask the terminal");
	t = *before;
	t.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (tcsetattr(0, TCSAFLUSH, &t) == -1)
		die_sys(EXIT_TEMP, "set the terminal");
}

static const char *ask(const char *prompt, char password[LIMIT_PASSWORD + 1])
{
	const char *why;

	(void)fputs(prompt, stderr);
	why = read_line(password, LIMIT_PASSWORD + 1);
	(void)fputc('\n', stderr);
	return why;
}

static const char *ask_twice(char password[LIMIT_PASSWORD + 1])
{
	char again[LIMIT_PASSWORD + 1];
	const char *why = ask("New password: ", password);

	if (why == NULL)
		why = ask("Once more: ", again);
	if (why == NULL && strcmp(password, again) != 0)
		why = "the two are different";
	explicit_bzero(again, sizeof again);
	return why;
}

static const char *take_from_terminal(char password[LIMIT_PASSWORD + 1])
{
	struct termios before;
	const char *why;

	echo_off(&before);
	why = ask_twice(password);
	(void)tcsetattr(0, TCSAFLUSH, &before);
	return why;
}

void secret_take(char password[LIMIT_PASSWORD + 1])
{
	const char *why = isatty(0) ? take_from_terminal(password)
				    : read_line(password, LIMIT_PASSWORD + 1);

	if (why != NULL)
		die_msg(EXIT_PERM, "%s; nothing was changed", why);
	if (strlen(password) < SHORT)
		warn_msg("a password of %zu bytes is soon guessed", strlen(password));
}

void secret_make(char password[SECRET_MADE])
{
	/* 32 letters that are not taken for one another */
	static const char letters[] = "abcdefghjkmnpqrstvwxyz0123456789";
	size_t n = 0;

	_Static_assert(sizeof letters == 33, "five bits a letter");
	if (sodium_init() == -1)
		die_sys(EXIT_TEMP, "start libsodium");
	for (int group = 0; group < SECRET_GROUPS; group++) {
		if (group > 0)
			password[n++] = '-';
		for (int i = 0; i < SECRET_GROUP; i++)
			password[n++] = letters[randombytes_uniform(32)];
	}
	password[n] = '\0';
}

static void make_hash(char hash[LIMIT_PWHASH], const char *password,
		      unsigned long long passes, size_t memory)
{
	if (sodium_init() == -1 ||
	    crypto_pwhash_str(hash, password, strlen(password), passes, memory) == -1)
		die_sys(EXIT_TEMP, "hash the password (control/passwordcost)");
}

void secret_hash(char hash[LIMIT_PWHASH], const char *password)
{
	struct cost c;

	if (cost_load(&c) == -1)
		die_msg(EXIT_PERM, "unable to read %s", control_error());
	make_hash(hash, password, c.passes, c.memory);
}

void secret_hash_made(char hash[LIMIT_PWHASH], const char *password)
{
	make_hash(hash, password, crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN);
}
