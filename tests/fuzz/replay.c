/* replay: runs the files named (a directory: all in it) through a fuzz target, for
 * flavours without libFuzzer. Prints how many; a crash is the failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t ran;

static void run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (f == NULL || fstat(fileno(f), &st) == -1) {
		perror(path);
		exit(1);
	}
	/* A block of exact size: AddressSanitizer then sees a read too far. */
	data = malloc(st.st_size > 0 ? (size_t)st.st_size : 1);
	if (data == NULL)
		abort();
	n = fread(data, 1, (size_t)st.st_size, f);
	(void)fclose(f);
	(void)LLVMFuzzerTestOneInput(data, n);
	free(data);
	ran++;
}

static void run_dir(const char *path)
{
	char name[4096];
	struct dirent *e;
	DIR *d = opendir(path);

	if (d == NULL) {
		run_file(path);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		run_file(name);
	}
	(void)closedir(d);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		run_dir(argv[i]);
	printf("%s: %zu inputs ok\n", argv[0], ran);
	return ran == 0;
}
