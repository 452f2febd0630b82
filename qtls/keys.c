#include "keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "keyfile.h"
#include "paths.h"
#include "prog.h"
#include "qlog.h"

static struct key {
	uint8_t id[SIGN_KEYID];
	EVP_PKEY *private;
	uint64_t last; /* the generation in which it was last there */
} keys[SIGN_KEYS + KEYS_OLD];
static size_t nkeys;
static uint64_t generation;

uint64_t keys_generation(void)
{
	return generation;
}

static struct key *find(const uint8_t id[SIGN_KEYID])
{
	for (size_t i = 0; i < nkeys; i++)
		if (memcmp(keys[i].id, id, SIGN_KEYID) == 0)
			return &keys[i];
	return NULL;
}

EVP_PKEY *keys_find(const uint8_t id[SIGN_KEYID], uint64_t since)
{
	const struct key *k = find(id);

	return k != NULL && k->last >= since ? k->private : NULL;
}

static void drop(struct key *k)
{
	EVP_PKEY_free(k->private);
	*k = keys[--nkeys];
	keys[nkeys].private = NULL;
}

void keys_forget(uint64_t since)
{
	for (size_t i = nkeys; i-- > 0;)
		if (keys[i].last < since)
			drop(&keys[i]);
}

size_t keys_list(uint8_t frame[SIGN_LIST])
{
	size_t n = 0;

	for (size_t i = 0; i < nkeys; i++)
		if (keys[i].last == generation)
			memcpy(frame + 3 + SIGN_KEYID * n++, keys[i].id, SIGN_KEYID);
	frame[0] = 'L';
	frame[1] = (uint8_t)(n >> 8);
	frame[2] = (uint8_t)n;
	return 3 + n * SIGN_KEYID;
}

/* ---- reading ---- */

/* At most SIGN_KEYS are of this generation, so one is older. */
static void make_room(void)
{
	struct key *oldest = keys;

	for (size_t i = 1; i < nkeys; i++)
		if (keys[i].last < oldest->last)
			oldest = &keys[i];
	drop(oldest);
}

static void keep(EVP_PKEY *private, const uint8_t id[SIGN_KEYID])
{
	struct key *k = find(id);

	if (k != NULL) {
		k->last = generation;
		EVP_PKEY_free(private);
		return;
	}
	if (nkeys == sizeof keys / sizeof *keys)
		make_room();
	k = &keys[nkeys++];
	*k = (struct key){.private = private, .last = generation};
	memcpy(k->id, id, SIGN_KEYID);
}

/* Another name brought it, just now; what is kept is that one. */
static int is_tried(const uint8_t id[SIGN_KEYID])
{
	const struct key *k = find(id);

	return k != NULL && k->last == generation;
}

static int read_one(int tls, const char *name)
{
	uint8_t id[SIGN_KEYID];
	EVP_PKEY *key;

	if (keyfile_load(tls, name, is_tried, &key, id) == 0) {
		keep(key, id);
		return 1;
	}
	warn_msg("%s; no TLS with this certificate", keyfile_error());
	return 0;
}

/* A name that begins with a dot is not ours: half installed, or no longer used. */
static size_t read_dir(DIR *d)
{
	const struct dirent *e;
	size_t good = 0;

	while (errno = 0, (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if (good == SIGN_KEYS) {
			warn_msg(
			    "control/tls has more than %d keys; the rest is not read",
			    SIGN_KEYS);
			return good;
		}
		good += (size_t)read_one(dirfd(d), e->d_name);
	}
	if (errno != 0)
		warn_sys("read control/tls");
	return good;
}

static DIR *open_dir(void)
{
	char path[LIMIT_PATH];

	if (path_join(path, sizeof path, paths.control, "tls") == NULL)
		return NULL;
	return opendir(path);
}

static void say(size_t good)
{
	struct qlog l;

	qlog_begin(&l, "keys");
	qlog_num(&l, "keys", good);
	qlog_end(&l);
}

void keys_read(void)
{
	DIR *d = open_dir();
	size_t good = 0;

	generation++;
	if (d == NULL) {
		warn_sys("read control/tls");
	} else {
		good = read_dir(d);
		(void)closedir(d);
	}
	say(good);
}
