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

/* Byte by byte: what stands behind the line is not ours. 0 at the end of file. */
static int read_line(char *out, size_t size)
{
	size_t n = 0;
	ssize_t r;
	char c = 0;

	while ((r = read(0, &c, 1)) == 1 && c != '\n') {
		if (c == '\0' || c == CTRL_C)
			die_msg(EXIT_PERM, c == '\0' ? "a NUL byte in a password"
						     : "given up; nothing was changed");
		if (n + 1 == size)
			die_msg(EXIT_PERM, "a password has at most %d bytes",
				LIMIT_PASSWORD);
		out[n++] = c;
	}
	if (r == -1)
		die_sys(EXIT_TEMP, "read the password");
	if (n > 0 && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	return r == 1 || n > 0;
}

static struct termios before;

static void echo_on(void)
{
	(void)tcsetattr(0, TCSAFLUSH, &before);
	(void)fputc('\n', stderr);
}

/* Keys that make signals would end the program with the echo off. */
static void echo_off(void)
{
	struct termios t;

	if (tcgetattr(0, &before) == -1)
		die_sys(EXIT_TEMP, "ask the terminal");
	t = before;
	t.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
	if (atexit(echo_on) != 0 || tcsetattr(0, TCSAFLUSH, &t) == -1)
		die_sys(EXIT_TEMP, "set the terminal");
}

static void ask(const char *prompt, char password[LIMIT_PASSWORD + 1])
{
	(void)fputs(prompt, stderr);
	if (!read_line(password, LIMIT_PASSWORD + 1))
		die_msg(EXIT_PERM, "given up; nothing was changed");
}

static void take_from_terminal(char password[LIMIT_PASSWORD + 1])
{
	char again[LIMIT_PASSWORD + 1];
	int same;

	echo_off();
	ask("New password: ", password);
	ask("\nOnce more: ", again);
	same = strcmp(password, again) == 0;
	explicit_bzero(again, sizeof again);
	if (!same)
		die_msg(EXIT_PERM, "the two are different; nothing was changed");
}

void secret_take(char password[LIMIT_PASSWORD + 1])
{
	if (isatty(0))
		take_from_terminal(password);
	else if (!read_line(password, LIMIT_PASSWORD + 1))
		password[0] = '\0';
	if (password[0] == '\0')
		die_msg(EXIT_PERM, "no password: standard input gave none; -g makes one");
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
