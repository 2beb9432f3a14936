/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The key file: what is read, what is refused and how that is said, never with a key in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "common/secure_dgram.h"
#include "tmp_dir.h"

#define A "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define B "1111111111111111111111111111111111111111111111111111111111111111"
#define C "2222222222222222222222222222222222222222222222222222222222222222"
#define D "3333333333333333333333333333333333333333333333333333333333333333"
#define E "4444444444444444444444444444444444444444444444444444444444444444"
#define Z "0000000000000000000000000000000000000000000000000000000000000000"

static char dir[TMP_DIR_MAX], path[TMP_DIR_MAX + 8], error[300];
static struct secure_keys keys;

static int set_up(void **state)
{
	assert_int_equal(tmp_dir_make(dir), 0);
	snprintf(path, sizeof(path), "%s/key", dir);
	return 0;
}

static int tear_down(void **state)
{
	unlink(path);
	return tmp_dir_remove(dir);
}

static void write_file(const char *text, size_t len, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
	assert_int_equal(chmod(path, mode), 0);
}

static int load(const char *text)
{
	write_file(text, strlen(text), 0600);
	error[0] = '\0';
	return secure_keys_load(path, &keys, error, sizeof(error));
}

static void assert_refused(int rc, int wanted, const char *said)
{
	assert_int_equal(rc, wanted);
	assert_int_equal(keys.count, 0);
	if (!strstr(error, said) || strncmp(error, path, strlen(path)) != 0)
		fail_msg("'%s' does not say '%s' of '%s'", error, said, path);
	assert_null(strchr(error, '\n'));
	assert_null(strstr(error, "1111"));
	assert_null(strstr(error, "2233"));
}

static void keys_are_read_in_their_order(void **state)
{
	assert_int_equal(load(A), 0);
	assert_int_equal(keys.count, 1);
	for (int i = 0; i < SECURE_KEY_BYTES; i++)
		assert_int_equal(keys.key[0][i], i % 16 * 0x11);
	assert_int_equal(load("# ours\n\n  " B " # old\r\n\t" C "\n" D "\n" E "\n#end"), 0);
	assert_int_equal(keys.count, 4);
	assert_int_equal(keys.key[0][0], 0x11);
	assert_int_equal(keys.key[3][31], 0x44);
	secure_keys_forget(&keys);
	assert_int_equal(keys.count, 0);
	assert_int_equal(keys.key[3][31], 0);
}

static void what_is_no_key_is_refused(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{"", ": no key in it"},
		{"# nothing\n\n", ": no key in it"},
		{"#" B "\n", ": no key in it"},
		{"\n1111", ":2: not a key"},
		{B "1\n", ":1: not a key"},
		{B " " C, ":1: not a key"},
		{"g111111111111111111111111111111111111111111111111111111111111111", ":1: not a key"},
		{"0x11111111111111111111111111111111111111111111111111111111111111", ":1: not a key"},
		{B "\n" Z "\n", ":2: a key of zeros"},
		{B "\n" A "\n" B "\n", ":3: the same key twice"},
		{A "\n" B "\n" C "\n" D "\n" E "\n", ":5: more than 4 keys"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(load(rows[i].text), -EINVAL, rows[i].said);
	write_file(B "\0\n", 66, 0600);
	assert_refused(secure_keys_load(path, &keys, error, sizeof(error)), -EINVAL, ":1: not a key");
}

static void a_file_that_others_may_read_is_refused(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0644, 0777};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		write_file(B, strlen(B), modes[i]);
		assert_refused(secure_keys_load(path, &keys, error, sizeof(error)), -EPERM, "make it 0600");
	}
	write_file(B, strlen(B), 0400);
	assert_int_equal(secure_keys_load(path, &keys, error, sizeof(error)), 0);
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(path, 12345, 0), 0);
	assert_refused(secure_keys_load(path, &keys, error, sizeof(error)), -EPERM, "user 12345");
}

static void a_file_that_is_none_is_refused(void **state)
{
	static char much[9000];

	assert_refused(secure_keys_load(path, &keys, error, sizeof(error)), -ENOENT, "tandemctl keygen");
	assert_int_equal(mkfifo(path, 0600), 0); /* and keeps nobody waiting */
	assert_refused(secure_keys_load(path, &keys, error, sizeof(error)), -EINVAL, "not a regular file");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_refused(secure_keys_load(path, &keys, error, sizeof(error)), -EINVAL, "not a regular file");
	assert_int_equal(rmdir(path), 0);
	memset(much, '#', sizeof(much));
	write_file(much, sizeof(much), 0600);
	assert_refused(secure_keys_load(path, &keys, error, sizeof(error)), -EFBIG, "longer than");
	/* There is no room for the reason: it is cut. */
	assert_int_equal(secure_keys_load(path, &keys, error, 5), -EFBIG);
	assert_int_equal(strlen(error), 4);
}

static void a_new_key_is_one_that_is_read(void **state)
{
	char one[2 * SECURE_KEY_BYTES + 1], other[2 * SECURE_KEY_BYTES + 1];

	secure_key_make(one);
	secure_key_make(other);
	assert_int_equal(strlen(one), 64);
	assert_int_equal(strspn(one, "0123456789abcdef"), 64);
	assert_string_not_equal(one, other);
	assert_int_equal(load(one), 0);
	assert_int_equal(keys.count, 1);
}

/* Who checks a config is warned of what would be refused, and of nothing else. */
static void a_check_warns(void **state)
{
	char line[SECURE_WARNING_MAX] = "", wanted[SECURE_WARNING_MAX];

	assert_int_equal(load(A "\n"), 0);
	assert_false(secure_keys_warn(path, line, sizeof(line)));
	assert_string_equal(line, "");
	assert_int_equal(chmod(path, 0640), 0);
	assert_true(secure_keys_warn(path, line, sizeof(line)));
	snprintf(wanted, sizeof(wanted),
		"warning: %s: others may use the key file (mode 0640); make it 0600; until then the nodes are no pair",
		path);
	assert_string_equal(line, wanted);
	unlink(path);
	assert_true(secure_keys_warn(path, line, sizeof(line)));
	assert_non_null(strstr(line, "No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_are_read_in_their_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_key_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_others_may_read_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_none_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_key_is_one_that_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_check_warns, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
