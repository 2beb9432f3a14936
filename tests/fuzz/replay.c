/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main() of a fuzz harness in the ordinary test run: gives it every file of its corpus, in the order of
 * their names, and says so in TAP. A found crash stays found. The same harness with libFuzzer looks for new ones
 * (`make fuzz`). What goes wrong ends the process, so the last file named is the one that did it.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dirent.h>

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* A block of the input's very size, so that the sanitizer sees one byte too many. NULL: errno says why. */
static uint8_t *read_input(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = NULL;
	struct stat st;

	if (!file)
		return NULL;
	if (fstat(fileno(file), &st))
		goto out;
	errno = EFBIG;
	if (st.st_size > INPUT_MAX)
		goto out;
	*size = (size_t)st.st_size;
	data = malloc(*size ? *size : 1);
	if (data && fread(data, 1, *size, file) != *size) {
		free(data);
		data = NULL;
	}
out:
	fclose(file);
	return data;
}

static int replay(const char *path, int number)
{
	size_t size = 0;
	uint8_t *data = read_input(path, &size);

	if (!data) {
		printf("not ok %d - %s cannot be read: %s\n", number, path, strerror(errno));
		return 1;
	}
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	printf("ok %d - %s, %zu bytes\n", number, path, size);
	return 0;
}

int main(int argc, char **argv)
{
	const char *dir = argc > 1 ? argv[1] : CORPUS;
	struct dirent **entries;
	int count = scandir(dir, &entries, is_visible, alphasort);
	int failed = 0;

	if (count <= 0) {
		printf("Bail out! no corpus in %s (run from the top of the repository)\n", dir);
		return 1;
	}
	printf("1..%d\n", count);
	for (int i = 0; i < count; i++) {
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		failed |= replay(path, i + 1);
		free(entries[i]);
	}
	free(entries);
	return failed;
}
