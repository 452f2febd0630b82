#include <errno.h>
#include <iconv.h>
#include <limits.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "jail.h"
#include "mime/convert_int.h"

enum { DESCRIPTORS = 4096 }; /* on kernels without close_range */

/* The first name that this libc knows is taken; it holds the other one. */
static const char *const names[CONVERT_COUNT][2] = {
    [CONVERT_ISO2022JP] = {"ISO-2022-JP-2", "ISO-2022-JP"},
    [CONVERT_SHIFTJIS] = {"CP932", "SHIFT_JIS"},
    [CONVERT_EUCJP] = {"EUC-JP", "EUC-JP"},
    [CONVERT_GB18030] = {"GB18030", "GB18030"},
    [CONVERT_BIG5] = {"BIG5-HKSCS", "BIG5"},
    [CONVERT_EUCKR] = {"CP949", "EUC-KR"},
};

/* What the child has; its stack and this are all its memory. */
static struct child {
	iconv_t cd[CONVERT_COUNT];
	uint32_t text;
	size_t kept; /* bytes in front of in[] that wait for more */
	char in[CONVERT_KEPT + CONVERT_PIECE];
	char frame[sizeof(struct convert_ask) + CONVERT_PIECE];
	char out[CONVERT_MOST(CONVERT_PIECE)];
	size_t len;
} child;

static void close_others(int fd)
{
	if (syscall(SYS_close_range, 0, fd - 1, 0) == 0 &&
	    syscall(SYS_close_range, fd + 1, UINT_MAX, 0) == 0)
		return;
	for (int i = 0; i < DESCRIPTORS; i++)
		if (i != fd)
			(void)close(i);
}

static uint32_t open_all(void)
{
	uint32_t known = 0;

	for (unsigned i = 0; i < CONVERT_COUNT; i++) {
		child.cd[i] = (iconv_t)-1;
		for (int k = 0; k < 2 && child.cd[i] == (iconv_t)-1; k++)
			child.cd[i] = iconv_open("UTF-8", names[i][k]);
		if (child.cd[i] != (iconv_t)-1)
			known |= 1U << i;
	}
	return known;
}

static void put_bad(void)
{
	memcpy(child.out + child.len, "\xef\xbf\xbd", 3);
	child.len += 3;
}

/* n bytes of in[], the kept ones first. */
static void convert(iconv_t cd, size_t n, int end)
{
	char *in = child.in;

	while (n > 0) {
		char *out = child.out + child.len;
		size_t room = sizeof child.out - 1 - child.len;
		size_t r = iconv(cd, &in, &n, &out, &room);

		child.len = sizeof child.out - 1 - room;
		if (r != (size_t)-1)
			continue;
		if (errno == EINVAL && !end && n <= CONVERT_KEPT)
			break;
		if (room < 3) { /* cannot be: it has room for all */
			n = 0;
			break;
		}
		put_bad();
		in++;
		n--;
	}
	memmove(child.in, in, n);
	child.kept = n;
}

static int answer(int fd, size_t size)
{
	struct convert_ask ask;
	size_t n = size - sizeof ask;

	if (size < sizeof ask)
		return -1;
	memcpy(&ask, child.frame, sizeof ask);
	if (ask.which >= CONVERT_COUNT || child.cd[ask.which] == (iconv_t)-1)
		return -1;
	if (ask.text != child.text) {
		(void)iconv(child.cd[ask.which], NULL, NULL, NULL, NULL);
		child.kept = 0;
		child.text = ask.text;
	}
	child.len = 0;
	memcpy(child.in + child.kept, child.frame + sizeof ask, n);
	convert(child.cd[ask.which], child.kept + n, ask.end);
	child.out[child.len++] = 'k';
	return write(fd, child.out, child.len) == (ssize_t)child.len ? 0 : -1;
}

void convert_child(int fd, const struct jail_profile *p)
{
	uint32_t known = open_all();
	ssize_t n;

	close_others(fd);
	if (p != NULL && jail_enter(p) == -1)
		_exit(111);
	if (write(fd, &known, sizeof known) != (ssize_t)sizeof known)
		_exit(111);
	while ((n = read(fd, child.frame, sizeof child.frame)) > 0)
		if (answer(fd, (size_t)n) == -1)
			break;
	_exit(0);
}
