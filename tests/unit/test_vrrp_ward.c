/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ward: what is written comes back, and nothing that is damaged does. A writer that is killed: test_vrrp_ward_kill.c. */
#include "ward_harness.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static size_t count_held(void)
{
	struct vrrp_held held;
	size_t cursor = 0, n = 0;

	while (vrrp_ward_next_held(ward, &cursor, &held))
		n++;
	return n;
}

static size_t count_farewells(void)
{
	static struct vrrp_farewell farewell;
	size_t cursor = 0, n = 0;

	while (vrrp_ward_next_farewell(ward, &cursor, &farewell))
		n++;
	return n;
}

/* ---- what is written comes back ---- */

static void held_comes_back(void **state)
{
	struct vrrp_held a = make_held("edge", "eth0", 3, "10.0.1.100"), found;
	struct vrrp_held b = make_held("edge", "vrrp6.51", 7, "fd00:1::100");
	size_t cursor = 0;

	assert_int_equal(vrrp_ward_hold(ward, &a), 0);
	assert_int_equal(vrrp_ward_hold(ward, &b), 0);
	assert_int_equal(vrrp_ward_hold(ward, &a), 0);
	reopen();
	assert_true(vrrp_ward_next_held(ward, &cursor, &found));
	assert_memory_equal(&found, &a, sizeof(a));
	assert_true(vrrp_ward_next_held(ward, &cursor, &found));
	assert_memory_equal(&found, &b, sizeof(b));
	assert_false(vrrp_ward_next_held(ward, &cursor, &found));
	vrrp_ward_drop(ward, 4, &a.address.addr); /* another interface's */
	assert_int_equal(count_held(), 2);
	vrrp_ward_drop(ward, 3, &a.address.addr);
	reopen();
	cursor = 0;
	assert_true(vrrp_ward_next_held(ward, &cursor, &found));
	assert_memory_equal(&found, &b, sizeof(b));
	assert_int_equal(count_held(), 1);
}

/* The same address on an interface that was made anew, or with another prefix, is one entry. */
static void held_is_replaced(void **state)
{
	struct vrrp_held held = make_held("edge", "eth0", 3, "10.0.1.100"), found;
	size_t cursor = 0;

	assert_int_equal(vrrp_ward_hold(ward, &held), 0);
	held.ifindex = 9;
	assert_int_equal(vrrp_ward_hold(ward, &held), 0);
	held.address.prefix = 32;
	assert_int_equal(vrrp_ward_hold(ward, &held), 0);
	assert_int_equal(count_held(), 1);
	assert_true(vrrp_ward_next_held(ward, &cursor, &found));
	assert_memory_equal(&found, &held, sizeof(held));
	held = make_held("edge", "eth1", 4, "10.0.1.100"); /* elsewhere it is another one */
	assert_int_equal(vrrp_ward_hold(ward, &held), 0);
	assert_int_equal(count_held(), 2);
}

static void nonsense_is_refused(void **state)
{
	struct vrrp_held held = make_held("edge", "eth0", 3, "10.0.1.100");
	struct vrrp_farewell *farewell = make_farewell(3, 51, 1, 40, 1);

	held.address.prefix = 33;
	assert_int_equal(vrrp_ward_hold(ward, &held), -EINVAL);
	held.address.prefix = 24;
	held.ifindex = 0;
	assert_int_equal(vrrp_ward_hold(ward, &held), -EINVAL);
	held.ifindex = 3;
	snprintf(held.interface, sizeof(held.interface), "../x");
	assert_int_equal(vrrp_ward_hold(ward, &held), -EINVAL);
	assert_int_equal(vrrp_ward_add_link(ward, "longer-than-an-interface", 3), -EINVAL);
	assert_int_equal(vrrp_ward_add_link(ward, "", 3), -EINVAL);
	farewell->payload[2] = 100; /* no last word */
	assert_int_equal(vrrp_ward_set_farewell(ward, farewell), -EINVAL);
	farewell->payload[2] = 0;
	farewell->peers[0].family = AF_INET;
	assert_int_equal(vrrp_ward_set_farewell(ward, farewell), -EINVAL);
	farewell->peers[0].family = AF_INET6;
	farewell->len = VRRP_ADVERT_MAX + 1;
	assert_int_equal(vrrp_ward_set_farewell(ward, farewell), -EINVAL);
	assert_int_equal(count_held() + count_farewells(), 0);
}

static void links_come_back(void **state)
{
	char name[VRRP_IFNAME_SIZE];
	size_t cursor = 0;
	int ifindex;

	assert_int_equal(vrrp_ward_add_link(ward, "vrrp.51", 7), 0);
	assert_int_equal(vrrp_ward_add_link(ward, "vrrp6.51", 8), 0);
	assert_int_equal(vrrp_ward_add_link(ward, "vrrp.51", 9), 0); /* made anew */
	vrrp_ward_drop_link(ward, 8);
	reopen();
	assert_true(vrrp_ward_next_link(ward, &cursor, name, &ifindex));
	assert_string_equal(name, "vrrp.51");
	assert_int_equal(ifindex, 9);
	assert_false(vrrp_ward_next_link(ward, &cursor, name, &ifindex));
}

static void farewells_come_back(void **state)
{
	static struct vrrp_farewell found, want;
	size_t cursor = 0;

	want = *make_farewell(3, 51, VRRP_PEERS_MAX, VRRP_ADVERT_MAX, 0xa5);
	assert_int_equal(vrrp_ward_set_farewell(ward, &want), 0);
	assert_int_equal(vrrp_ward_set_farewell(ward, make_farewell(3, 52, 0, 24, 0xb6)), 0);
	reopen();
	assert_true(vrrp_ward_next_farewell(ward, &cursor, &found));
	assert_memory_equal(&found, &want, sizeof(want));
	assert_true(vrrp_ward_next_farewell(ward, &cursor, &found));
	assert_int_equal(found.vrid, 52);
	assert_int_equal(found.peer_count, 0);
	assert_int_equal(found.len, 24);
	assert_int_equal(found.payload[23], 0xb6);
	assert_int_equal(vrrp_ward_set_farewell(ward, make_farewell(3, 51, 1, 40, 0x11)), 0);
	assert_int_equal(count_farewells(), 2);
	vrrp_ward_clear_farewell(ward, 3, AF_INET, 51); /* the other family's */
	assert_int_equal(count_farewells(), 2);
	vrrp_ward_clear_farewell(ward, 3, AF_INET6, 51);
	vrrp_ward_clear_farewell(ward, 3, AF_INET6, 52);
	assert_int_equal(count_farewells(), 0);
}

static void active_units_come_back(void **state)
{
	int64_t at = 0, safe = 0;

	assert_false(vrrp_ward_was_active(ward, "edge", &at, &safe));
	for (int64_t i = 1; i <= 5; i++) {
		vrrp_ward_advertised(ward, "edge", i * 100, i);
		vrrp_ward_advertised(ward, "other", i * 1000, i * 10);
	}
	reopen();
	assert_true(vrrp_ward_was_active(ward, "edge", &at, &safe));
	assert_int_equal(at, 500);
	assert_int_equal(safe, 5);
	vrrp_ward_not_active(ward, "edge");
	assert_false(vrrp_ward_was_active(ward, "edge", &at, &safe));
	vrrp_ward_unsafe(ward);
	assert_true(vrrp_ward_was_active(ward, "other", &at, &safe));
	assert_int_equal(at, 5000);
	assert_int_equal(safe, 0);
	vrrp_ward_advertised(ward, "edge", 7, 8);
	assert_true(vrrp_ward_was_active(ward, "edge", &at, &safe));
	assert_int_equal(at, 7);
}

static void flags_come_back(void **state)
{
	assert_false(vrrp_ward_resume(ward) || vrrp_ward_claimed(ward));
	vrrp_ward_set_resume(ward, true);
	vrrp_ward_set_claimed(ward, true);
	reopen();
	assert_true(vrrp_ward_resume(ward) && vrrp_ward_claimed(ward));
	vrrp_ward_set_claimed(ward, false);
	assert_true(vrrp_ward_resume(ward) && !vrrp_ward_claimed(ward));
}

/* ---- room ---- */

static void tables_hold_the_largest_config_twice(void **state)
{
	struct vrrp_held held = make_held("edge", "eth0", 3, "10.0.0.0");
	int held_count = 0, farewells = 0;

	while (held_count <= 2 * VRRP_ADDRESSES_TOTAL) {
		held.address.addr.bytes[2] = (uint8_t)(held_count >> 8);
		held.address.addr.bytes[3] = (uint8_t)held_count;
		int err = vrrp_ward_hold(ward, &held);

		if (err) {
			assert_int_equal(err, -ENOSPC);
			break;
		}
		held_count++;
	}
	assert_int_equal(held_count, 2 * VRRP_ADDRESSES_TOTAL);
	assert_int_equal(count_held(), 2 * VRRP_ADDRESSES_TOTAL);
	/* 512 instances, each with 16 peers and 8 IPv6 addresses and a link-local one. */
	while (vrrp_ward_set_farewell(ward, make_farewell(1 + farewells / 255, (uint8_t)(1 + farewells % 255),
						    VRRP_PEERS_MAX, 8 + 9 * 16, 3)) == 0)
		farewells++;
	assert_true(farewells >= 2 * VRRP_INSTANCES_MAX);
	assert_int_equal(count_farewells(), farewells);
	/* A full table refuses; room that was given back is used. */
	vrrp_ward_clear_farewell(ward, 1, AF_INET6, 7);
	assert_int_equal(
		vrrp_ward_set_farewell(ward, make_farewell(900, 7, VRRP_PEERS_MAX, 8 + 9 * 16, 3)), 0);
	vrrp_ward_drop(ward, 3, &held.address.addr);
	held.address.addr.bytes[2]++;
	assert_int_equal(count_held(), 2 * VRRP_ADDRESSES_TOTAL);
}

/* 255 instances with an address each, as the benchmark has them. */
static void what_is_not_used_costs_nothing(void **state)
{
	struct vrrp_held held = make_held("edge", "eth0", 3, "10.0.0.0");
	struct stat st;
	char unit[32];

	assert_int_equal(stat(ward_path(), &st), 0);
	assert_true(st.st_size <= 2 << 20);
	assert_true(st.st_blocks * 512 <= 4096);
	for (int i = 0; i < 255; i++) {
		held.address.addr.bytes[3] = (uint8_t)i;
		assert_int_equal(vrrp_ward_hold(ward, &held), 0);
		assert_int_equal(
			vrrp_ward_set_farewell(ward, make_farewell(3, (uint8_t)(i + 1), 0, 12, 1)), 0);
		snprintf(unit, sizeof(unit), "front-%d", i);
		vrrp_ward_advertised(ward, unit, i, i);
	}
	reopen();
	assert_int_equal(count_held(), 255);
	assert_int_equal(stat(ward_path(), &st), 0);
	print_message("255 instances: %ld KiB of memory\n", (long)st.st_blocks / 2);
	assert_true(st.st_blocks * 512 <= 128 << 10);
}

/* ---- files of others ---- */

static void the_file_is_private(void **state)
{
	struct stat st;

	assert_int_equal(chmod(ward_path(), 0644), 0);
	reopen();
	assert_int_equal(stat(ward_path(), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void expect_refusal(int want)
{
	char error[300] = "";
	struct vrrp_ward *other = NULL;

	assert_int_equal(vrrp_ward_open(&other, dir, error, sizeof(error)), want);
	assert_non_null(strstr(error, ward_path()));
	assert_null(strchr(error, '\n'));
	assert_null(other);
}

static void what_is_not_ours_is_refused(void **state)
{
	char target[TMP_DIR_MAX + 16];
	int fd;

	vrrp_ward_close(ward, true);
	ward = NULL;
	snprintf(target, sizeof(target), "%s/target", dir);
	fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && write(fd, "precious", 8) == 8);
	close(fd);
	assert_int_equal(symlink(target, ward_path()), 0);
	expect_refusal(-ELOOP);
	assert_int_equal(unlink(ward_path()), 0);
	assert_int_equal(link(target, ward_path()), 0);
	expect_refusal(-EPERM);
	assert_int_equal(unlink(ward_path()), 0);
	assert_int_equal(mkfifo(ward_path(), 0600), 0);
	expect_refusal(-EPERM);
	assert_int_equal(unlink(ward_path()), 0);
	assert_int_equal(rename(target, ward_path()), 0);
	assert_int_equal(chmod(ward_path(), 0602), 0);
	expect_refusal(-EPERM);
	if (geteuid() == 0) {
		assert_int_equal(chmod(ward_path(), 0600), 0);
		assert_int_equal(chown(ward_path(), 65534, 65534), 0);
		expect_refusal(-EPERM);
	}
}

static void no_directory_is_an_error(void **state)
{
	struct vrrp_ward *other;
	char error[300] = "";

	assert_int_equal(vrrp_ward_open(&other, "/nonexistent", error, sizeof(error)), -ENOENT);
	assert_non_null(strstr(error, "/nonexistent/vrrp.ward"));
}

/* ---- damage ---- */

static void patch(size_t offset, const void *bytes, size_t len)
{
	int fd = open(ward_path(), O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, len, (off_t)offset), len);
	close(fd);
}

/* A file of another boot, namespace, version or length, or with a count out of its bounds, is begun anew. */
static void another_boot_begins_anew(void **state)
{
	static const struct {
		size_t offset;
		const char *bytes;
		size_t len;
	} rows[] = {
		{offsetof(struct ward_header, magic), "x", 1},
		{offsetof(struct ward_header, version), "\xff", 1},
		{offsetof(struct ward_header, size), "\x01", 1},
		{offsetof(struct ward_header, boot_id), "zz", 2},
		{offsetof(struct ward_header, netns), "\xff\xff\xff", 3},
		{offsetof(struct ward_header, used) + 4 * WARD_BLOCKS, "\xff\xff\xff\xff", 4},
		{offsetof(struct ward_header, used) + 4 * WARD_HELD, "\x01\x20", 3},
	};
	struct vrrp_held held = make_held("edge", "eth0", 3, "10.0.1.100");

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(vrrp_ward_hold(ward, &held), 0);
		vrrp_ward_set_resume(ward, true);
		reopen();
		assert_int_equal(count_held(), 1);
		patch(rows[i].offset, rows[i].bytes, rows[i].len);
		reopen();
		assert_int_equal(count_held(), 0);
		assert_false(vrrp_ward_resume(ward));
	}
	assert_int_equal(truncate(ward_path(), 100), 0);
	vrrp_ward_close(ward, false);
	open_ward();
	assert_int_equal(vrrp_ward_hold(ward, &held), 0);
	assert_int_equal(count_held(), 1);
}

static size_t held_at(uint32_t i, size_t field)
{
	return offsetof(struct ward_file, held) + i * sizeof(struct ward_held) + field;
}

static size_t farewell_at(size_t field)
{
	return offsetof(struct ward_file, farewells) + field;
}

static void damaged_slots_are_left_out(void **state)
{
	static const struct {
		size_t field;
		const char *bytes;
		size_t len;
	} rows[] = {
		{offsetof(struct ward_held, valid), "\x01", 1},
		{offsetof(struct ward_held, ifindex), "\xff\xff\xff\xff", 4},
		{offsetof(struct ward_held, family), "\x07", 1},
		{offsetof(struct ward_held, prefix), "\x00", 1},
		{offsetof(struct ward_held, prefix), "\x21", 1},
		{offsetof(struct ward_held, interface), "no-end-anywhere!", 16},
		{offsetof(struct ward_held, interface), "a/b", 3},
		{offsetof(struct ward_held, unit), "", 1},
		{offsetof(struct ward_held, unit), "\x1b[2J", 4},
	};
	struct vrrp_held held = make_held("edge", "eth0", 3, "10.0.1.1"), found;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t cursor = 0;

		held.address.addr.bytes[3] = 1;
		assert_int_equal(vrrp_ward_hold(ward, &held), 0);
		held.address.addr.bytes[3] = 2;
		assert_int_equal(vrrp_ward_hold(ward, &held), 0);
		patch(held_at(0, rows[i].field), rows[i].bytes, rows[i].len);
		assert_int_equal(count_held(), 1);
		reopen();
		assert_true(vrrp_ward_next_held(ward, &cursor, &found));
		assert_int_equal(found.address.addr.bytes[3], 2);
		assert_false(vrrp_ward_next_held(ward, &cursor, &found));
	}
	/* Their room is given back. */
	assert_int_equal(ward->file->header.used[WARD_HELD], 2);
}

static void damaged_farewells_are_left_out(void **state)
{
	static const struct {
		size_t field;
		const char *bytes;
		size_t len;
	} rows[] = {
		{offsetof(struct ward_farewell, ifindex), "\x00", 1},
		{offsetof(struct ward_farewell, family), "\x01", 1},
		{offsetof(struct ward_farewell, vrid), "\x01", 1},
		{offsetof(struct ward_farewell, peer_count), "\x11", 1},
		{offsetof(struct ward_farewell, len), "\x07", 1},
		{offsetof(struct ward_farewell, len), "\xff\xff\xff\xff", 4},
		{offsetof(struct ward_farewell, block), "\xff\xff\xff\xff", 4},
		{offsetof(struct ward_file, blocks) + 2 - offsetof(struct ward_file, farewells), "\x64", 1},
		{offsetof(struct ward_file, blocks) - offsetof(struct ward_file, farewells), "\x21", 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(vrrp_ward_set_farewell(ward, make_farewell(3, 51, 0, 40, 9)), 0);
		reopen();
		assert_int_equal(count_farewells(), 1);
		patch(farewell_at(rows[i].field), rows[i].bytes, rows[i].len);
		assert_int_equal(count_farewells(), 0);
		reopen();
		assert_int_equal(count_farewells(), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(held_comes_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(held_is_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nonsense_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(links_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(farewells_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(active_units_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(flags_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tables_hold_the_largest_config_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_used_costs_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_file_is_private, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_ours_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_directory_is_an_error, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_boot_begins_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_slots_are_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damaged_farewells_are_left_out, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
