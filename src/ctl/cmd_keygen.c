/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tandemctl keygen [FILE] [--add]: a new key for the pair's channel, on the terminal or in a file that only its owner may
 * read. --add puts it behind the keys of a file that is there: the first step of a rotation (tandemctl(8)). A file is whole
 * or as it was, whatever happens meanwhile. Asks no daemon.
 */
#include "ctl/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "common/clean_text.h"
#include "common/secure_dgram.h"
#include "ctl/view.h"

#define LINE_SIZE (2 * SECURE_KEY_BYTES + 1)
#define TEXT_MAX  16384 /* more than a key file may have */

static const char HEAD[] = "# The pair's key, the same file on both nodes: tandemctl(8), keygen.\n";

static const struct grammar grammar[] = {
	{.type = GRAMMAR_TEXT,
		.key = "file",
		.metavar = "FILE",
		.help = "a new file, mode 0600 (default: print the key)"},
	{.long_name = "add",
		.type = GRAMMAR_FLAG,
		.key = "add",
		.help = "put the key behind those that FILE has"},
};

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	char line[PATH_MAX + 512], clean[PATH_MAX + 512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	clean_text(clean, sizeof(clean), line);
	fprintf(stderr, "tandemctl: %s\n", clean);
	return -1;
}

/* All of it, on the disk. */
static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}
	return fsync(fd);
}

/* A file that is not there yet, with this text; owner: whom it is to belong to, NULL for us. */
static int write_new(const char *path, const char *text, size_t len, const struct stat *owner)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -1;
	/* Whatever the umask took away. */
	if (fchmod(fd, 0600) == 0 && (!owner || fchown(fd, owner->st_uid, owner->st_gid) == 0) &&
		write_all(fd, text, len) == 0 && close(fd) == 0)
		return 0;

	int why = errno;

	close(fd);
	unlink(path);
	errno = why;
	return -1;
}

static int make_file(const char *path, const char *key)
{
	char text[sizeof(HEAD) + LINE_SIZE];
	int len = snprintf(text, sizeof(text), "%s%s\n", HEAD, key), rc;

	rc = write_new(path, text, (size_t)len, NULL);
	sodium_memzero(text, sizeof(text));
	if (rc == 0)
		return 1;
	if (errno == EEXIST)
		return complain("%s is there already and was left as it is; --add adds a key to it", path);
	return complain("cannot make %s: %s", path, strerror(errno));
}

/* The text of a key file that was read without complaint; its length or -1. */
static ssize_t read_text(const char *path, char *text, size_t size, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 || fstat(fd, st) < 0 ? -1 : read(fd, text, size);

	if (fd >= 0)
		close(fd);
	return len;
}

/* The whole file anew beside the old one, then in its place. */
static int replace(const char *path, const char *text, size_t len, const struct stat *owner)
{
	char beside[PATH_MAX + 8];

	snprintf(beside, sizeof(beside), "%s.new", path);
	if (write_new(beside, text, len, owner) < 0) {
		if (errno == EEXIST)
			return complain(
				"%s is there: another keygen is at work, or died; remove it then", beside);
		return complain("cannot make %s: %s", beside, strerror(errno));
	}
	if (rename(beside, path) == 0)
		return 0;
	complain("cannot replace %s: %s", path, strerror(errno));
	unlink(beside);
	return -1;
}

/* How many keys it has then, or -1. */
static int add_to_file(const char *name, const char *key)
{
	char text[TEXT_MAX], path[PATH_MAX], error[PATH_MAX + 256];
	struct secure_keys keys;
	struct stat st;
	ssize_t len;
	int rc, count;

	/* A link stays one: what it leads to is replaced. */
	if (!realpath(name, path))
		return complain("cannot add to %s: %s", name, strerror(errno));
	if (secure_keys_load(path, &keys, error, sizeof(error)) < 0)
		return complain("%s", error);
	count = (int)keys.count;
	secure_keys_forget(&keys);
	if (count == SECURE_KEYS_MAX)
		return complain(
			"%s has %d keys, which is all it may have; take away those that neither node uses",
			name, count);
	len = read_text(path, text, sizeof(text) - LINE_SIZE - 1, &st);
	if (len <= 0)
		return complain("cannot read %s: %s", name, strerror(errno));
	rc = snprintf(
		text + len, sizeof(text) - (size_t)len, "%s%s\n", text[len - 1] == '\n' ? "" : "\n", key);
	rc = replace(path, text, (size_t)len + (size_t)rc, &st);
	sodium_memzero(text, sizeof(text));
	return rc < 0 ? -1 : count + 1;
}

static void render(const struct output *output, const json_t *args, const json_t *data)
{
	const char *key = json_string_value(json_object_get(data, "key"));
	uint64_t count = 0;
	char file[PATH_MAX];

	if (key) {
		fprintf(output->file, "%s\n", key);
		return;
	}
	clean_text(file, sizeof(file), view_text(data, "file"));
	view_number(data, "keys", &count);
	if (count == 1)
		fprintf(output->file, "%s: a new key; the other node needs the same file\n", file);
	else
		fprintf(output->file,
			"%s: a new key, the last of %" PRIu64 "; the other node needs the same file\n", file,
			count);
}

static int run(const struct context *context, const struct subcommand *command, json_t *args)
{
	const char *file = json_string_value(json_object_get(args, "file"));
	bool add = json_object_get(args, "add");
	char key[LINE_SIZE];
	int count = 0;
	json_t *data;

	if (add && !file) {
		fprintf(stderr, "tandemctl: keygen: FILE is missing; --add adds a key to one\n");
		return EXIT_USAGE;
	}
	secure_key_make(key);
	if (file)
		count = add ? add_to_file(file, key) : make_file(file, key);
	if (file)
		data = json_pack("{s:s,s:i}", "file", file, "keys", count);
	else
		data = json_pack("{s:s}", "key", key);
	sodium_memzero(key, sizeof(key));
	if (count >= 0 && data)
		context->output.format->reply(&context->output, command, args, data);
	json_decref(data);
	return count >= 0 && data ? EXIT_DONE : EXIT_REFUSED;
}

const struct subcommand cmd_keygen = {
	.name = "keygen",
	.summary = "make a key for the pair's channel; needs no daemon",
	.grammar = grammar,
	.grammar_count = COUNT_OF(grammar),
	.access = CTL_READ,
	.render = render,
	.run = run,
};
