/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tandemctl keygen: what it prints, the files it makes and the files it leaves as they are. */
#include "tandemctl_harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/secure_dgram.h"
#include "tmp_dir.h"

#define KEY "1111111111111111111111111111111111111111111111111111111111111111"

static char place[TMP_DIR_MAX], file[TMP_DIR_MAX + 16], beside[TMP_DIR_MAX + 16], out[OUT_MAX];

static int set_up_place(void **state)
{
	set_up(state);
	assert_int_equal(tmp_dir_make(place), 0);
	snprintf(file, sizeof(file), "%s/peer.key", place);
	snprintf(beside, sizeof(beside), "%s/peer.key.new", place);
	return 0;
}

static int tear_down_place(void **state)
{
	int rc;

	unlink(file);
	rc = tmp_dir_remove(place);
	return tear_down(state) | rc;
}

static int keygen(const char *a, const char *b, const char *c)
{
	const char *words[] = {"keygen", a, b, c, NULL};

	return run_words(words, out);
}

static void put(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static const char *text_of(const char *path)
{
	static char text[2][4096];
	static int turn;
	int fd = open(path, O_RDONLY);
	ssize_t len;

	turn = !turn;
	assert_true(fd >= 0);
	len = read(fd, text[turn], sizeof(text[0]) - 1);
	assert_true(len >= 0);
	text[turn][len] = '\0';
	close(fd);
	return text[turn];
}

/* A key file as the daemons want it, with that many keys. */
static struct secure_keys assert_keys(size_t count)
{
	struct secure_keys keys;
	char error[300] = "";
	struct stat st;

	if (secure_keys_load(file, &keys, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	assert_int_equal(keys.count, count);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	return keys;
}

static void it_prints_a_key(void **state)
{
	char first[66];

	assert_int_equal(keygen(NULL, NULL, NULL), 0);
	assert_int_equal(strspn(out, "0123456789abcdef"), 64);
	assert_string_equal(out + 64, "\n");
	memcpy(first, out, sizeof(first));
	assert_int_equal(keygen(NULL, NULL, NULL), 0);
	assert_string_not_equal(first, out);
	assert_int_equal(keygen("--json", NULL, NULL), 0);

	json_t *data = json_loads(out, 0, NULL);

	assert_int_equal(strlen(json_string_value(json_object_get(data, "key"))), 64);
	json_decref(data);
	assert_int_equal(keygen("--add", NULL, NULL), 2);
	assert_non_null(strstr(out, "FILE is missing"));
}

static void a_new_file_is_for_its_owner_only(void **state)
{
	static const mode_t masks[] = {0, 022, 0777};

	for (size_t i = 0; i < COUNT_OF(masks); i++) {
		mode_t before = umask(masks[i]);

		unlink(file);
		assert_int_equal(keygen(file, NULL, NULL), 0);
		umask(before);
		assert_keys(1);
		assert_non_null(strstr(out, "peer.key: a new key; "));
		assert_null(strstr(out, strchr(text_of(file), '\n') + 1));
	}
}

static void what_is_there_is_left_as_it_is(void **state)
{
	put(file, KEY, 0600);
	assert_int_equal(keygen(file, NULL, NULL), 1);
	assert_non_null(strstr(out, "is there already"));
	assert_string_equal(text_of(file), KEY);
	assert_int_equal(unlink(file), 0);
	/* Not through a link that leads nowhere, either. */
	assert_int_equal(symlink(beside, file), 0);
	assert_int_equal(keygen(file, NULL, NULL), 1);
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(keygen("/nonexistent/peer.key", NULL, NULL), 1);
	assert_string_equal(out, "tandemctl: cannot make /nonexistent/peer.key: No such file or directory\n");
}

static void add_puts_a_key_behind_the_others(void **state)
{
	struct secure_keys before, after;

	put(file, "# ours\n" KEY " # of 2026", 0600); /* no line break at its end */
	before = assert_keys(1);
	assert_int_equal(keygen("--add", file, NULL), 0);
	assert_non_null(strstr(out, "the last of 2"));
	after = assert_keys(2);
	assert_memory_equal(before.key[0], after.key[0], SECURE_KEY_BYTES);
	assert_memory_equal(text_of(file), "# ours\n" KEY " # of 2026\n", 7 + 64 + 11);
	assert_int_equal(keygen("--json", "--add", file), 0);
	assert_non_null(strstr(out, "\"keys\": 3"));
	assert_int_equal(keygen(file, "--add", NULL), 0);
	assert_keys(4);
	assert_int_equal(keygen(file, "--add", NULL), 1);
	assert_non_null(strstr(out, "has 4 keys"));
	assert_keys(4);
	assert_int_equal(access(beside, F_OK), -1);
}

static void add_goes_through_a_link(void **state)
{
	char real[TMP_DIR_MAX + 16];
	struct stat st;

	snprintf(real, sizeof(real), "%s/real", place);
	put(real, KEY "\n", 0600);
	assert_int_equal(symlink("real", file), 0);
	assert_int_equal(keygen("--add", file, NULL), 0);
	assert_keys(2);
	assert_int_equal(lstat(file, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(unlink(real), 0);
}

static void add_changes_no_file_that_is_not_in_order(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		const char *said;
	} rows[] = {
		{KEY "\n", 0644, "make it 0600"},
		{KEY "\nnone\n", 0600, ":2: not a key"},
		{"# none\n", 0600, ": no key in it"},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		put(file, rows[i].text, rows[i].mode);
		assert_int_equal(keygen("--add", file, NULL), 1);
		assert_non_null(strstr(out, rows[i].said));
		assert_string_equal(text_of(file), rows[i].text);
	}
	put(file, KEY "\n", 0600);
	put(beside, "somebody is at it", 0600);
	assert_int_equal(keygen("--add", file, NULL), 1);
	assert_non_null(strstr(out, "another keygen is at work"));
	assert_string_equal(text_of(file), KEY "\n");
	assert_string_equal(text_of(beside), "somebody is at it");
	assert_int_equal(unlink(beside), 0);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(keygen("--add", file, NULL), 1);
	assert_non_null(strstr(out, "cannot add to"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_prints_a_key, set_up_place, tear_down_place),
		cmocka_unit_test_setup_teardown(
			a_new_file_is_for_its_owner_only, set_up_place, tear_down_place),
		cmocka_unit_test_setup_teardown(
			what_is_there_is_left_as_it_is, set_up_place, tear_down_place),
		cmocka_unit_test_setup_teardown(
			add_puts_a_key_behind_the_others, set_up_place, tear_down_place),
		cmocka_unit_test_setup_teardown(add_goes_through_a_link, set_up_place, tear_down_place),
		cmocka_unit_test_setup_teardown(
			add_changes_no_file_that_is_not_in_order, set_up_place, tear_down_place),
	};

	log_open("test", LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
