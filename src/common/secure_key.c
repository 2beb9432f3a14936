/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The key file of the pair's channel: reading it, and making a new key; see secure_dgram.h. Whoever can read the file can
 * speak for the peer, so a file that others may read is refused, and no message has a digit of it.
 */
#include "common/secure_dgram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#define FILE_MAX 8192 /* four keys, and what somebody has to say about them */

struct reader {
	const char *path;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 3, 4))) static int refuse(
	const struct reader *r, int rc, const char *format, ...)
{
	int at = snprintf(r->error, r->error_size, "%s", r->path);
	va_list args;

	va_start(args, format);
	if (at >= 0 && (size_t)at < r->error_size)
		vsnprintf(r->error + at, r->error_size - (size_t)at, format, args);
	va_end(args);
	return rc;
}

/* The bytes of the file in text (FILE_MAX); how many, or -errno and why. */
static ssize_t read_all(const struct reader *r, char *text)
{
	ssize_t total = 0, got;
	/* Not to be kept waiting by a pipe of that name. */
	int fd = open(r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return refuse(
			r, rc, ": cannot read the key file: %s; 'tandemctl keygen' makes one", strerror(-rc));
	}
	if (!S_ISREG(st.st_mode))
		total = refuse(r, -EINVAL, ": the key file is not a regular file");
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		total = refuse(r, -EPERM,
			": the key file belongs to user %u; it must be root's or that of who runs this",
			(unsigned)st.st_uid);
	else if (st.st_mode & 077)
		total = refuse(r, -EPERM, ": others may use the key file (mode %04o); make it 0600",
			(unsigned)st.st_mode & 07777);
	while (total >= 0 && total < FILE_MAX) {
		got = read(fd, text + total, (size_t)(FILE_MAX - total));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			total = refuse(r, -errno, ": cannot read the key file: %s", strerror(errno));
		if (got <= 0)
			break;
		total += got;
	}
	close(fd);
	if (total == FILE_MAX)
		return refuse(r, -EFBIG, ": the key file is longer than %d bytes; it holds %d keys at most",
			FILE_MAX - 1, SECURE_KEYS_MAX);
	return total;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* One line without its end. */
static int read_line(
	const struct reader *r, const char *line, size_t len, unsigned number, struct secure_keys *out)
{
	const char *comment = memchr(line, '#', len);
	uint8_t key[SECURE_KEY_BYTES];
	size_t bytes = 0;
	int rc = 0;

	if (comment)
		len = (size_t)(comment - line);
	for (; len && is_blank(line[0]); len--)
		line++;
	while (len && is_blank(line[len - 1]))
		len--;
	if (!len)
		return 0;
	if (len != 2 * SECURE_KEY_BYTES ||
		sodium_hex2bin(key, sizeof(key), line, len, NULL, &bytes, NULL) != 0 || bytes != sizeof(key))
		return refuse(r, -EINVAL,
			":%u: not a key; a key is %d hexadecimal digits, as 'tandemctl keygen' prints it",
			number, 2 * SECURE_KEY_BYTES);
	if (sodium_is_zero(key, sizeof(key)))
		rc = refuse(r, -EINVAL, ":%u: a key of zeros is none; 'tandemctl keygen' makes one", number);
	else if (out->count == SECURE_KEYS_MAX)
		rc = refuse(r, -EINVAL, ":%u: more than %d keys; take away those that neither node uses",
			number, SECURE_KEYS_MAX);
	for (size_t i = 0; rc == 0 && i < out->count; i++)
		if (sodium_memcmp(out->key[i], key, sizeof(key)) == 0)
			rc = refuse(r, -EINVAL, ":%u: the same key twice; take one of them away", number);
	if (rc == 0)
		memcpy(out->key[out->count++], key, sizeof(key));
	sodium_memzero(key, sizeof(key));
	return rc;
}

int secure_keys_load(const char *path, struct secure_keys *out, char *error, size_t error_size)
{
	struct reader r = {path, error, error_size};
	char text[FILE_MAX];
	ssize_t len = read_all(&r, text);
	unsigned number = 0;
	int rc = len < 0 ? (int)len : 0;

	secure_keys_forget(out);
	for (const char *line = text, *end; rc == 0 && line < text + len; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			end = text + len;
		rc = read_line(&r, line, (size_t)(end - line), ++number, out);
	}
	if (rc == 0 && out->count == 0)
		rc = refuse(&r, -EINVAL, ": no key in it; 'tandemctl keygen' makes one");
	sodium_memzero(text, sizeof(text));
	if (rc < 0)
		secure_keys_forget(out);
	return rc;
}

bool secure_keys_warn(const char *path, char *line, size_t size)
{
	struct secure_keys keys;
	char error[SECURE_WARNING_MAX];
	int rc = secure_keys_load(path, &keys, error, sizeof(error));

	secure_keys_forget(&keys);
	/* Who may not read it does not know what those will find who run the daemons. */
	if (rc == 0 || (rc == -EACCES && geteuid() != 0))
		return false;
	snprintf(line, size, "warning: %s; until then the nodes are no pair", error);
	return true;
}

void secure_keys_forget(struct secure_keys *keys)
{
	sodium_memzero(keys, sizeof(*keys));
}

void secure_key_make(char out[2 * SECURE_KEY_BYTES + 1])
{
	uint8_t key[SECURE_KEY_BYTES];

	/* Where the system has no randomness to give, libsodium ends the process rather than make a bad key. */
	randombytes_buf(key, sizeof(key));
	sodium_bin2hex(out, 2 * SECURE_KEY_BYTES + 1, key, sizeof(key));
	sodium_memzero(key, sizeof(key));
}
