/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ward: what is written comes back, whatever instant the writer is killed at, and nothing that is damaged does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tmp_dir.h"
#include "vrrp/vrrp_ward.h"
#include "vrrp/vrrp_ward_layout.h"

static char dir[TMP_DIR_MAX];
static struct vrrp_ward *ward;

static const char *ward_path(void)
{
	static char path[TMP_DIR_MAX + 16];

	snprintf(path, sizeof(path), "%s/" WARD_FILE, dir);
	return path;
}

static void open_ward(void)
{
	char error[300] = "";

	if (vrrp_ward_open(&ward, dir, error, sizeof(error)))
		fail_msg("%s", error);
}

static void reopen(void)
{
	vrrp_ward_close(ward, false);
	open_ward();
}

static int set_up(void **state)
{
	ward = NULL;
	if (tmp_dir_make(dir))
		return -1;
	open_ward();
	return 0;
}

static int tear_down(void **state)
{
	vrrp_ward_close(ward, true);
	unlink(ward_path());
	return tmp_dir_remove(dir);
}

/* ---- things to put in ---- */

static struct vrrp_held make_held(const char *unit, const char *interface, int ifindex, const char *addr)
{
	struct vrrp_held held = {.ifindex = ifindex};

	assert_int_equal(addr_parse(addr, &held.address.addr), 0);
	held.address.prefix = held.address.addr.family == AF_INET ? 24 : 64;
	snprintf(held.unit, sizeof(held.unit), "%s", unit);
	snprintf(held.interface, sizeof(held.interface), "%s", interface);
	return held;
}

static size_t count_held(void)
{
	struct vrrp_held held;
	size_t cursor = 0, n = 0;

	while (vrrp_ward_next_held(ward, &cursor, &held))
		n++;
	return n;
}

/* A last word whose every byte follows from the seed and the length. */
static struct vrrp_farewell *make_farewell(int ifindex, uint8_t vrid, size_t peers, size_t len, uint8_t seed)
{
	static struct vrrp_farewell farewell;

	memset(&farewell, 0, sizeof(farewell));
	farewell.ifindex = ifindex;
	farewell.family = AF_INET6;
	farewell.vrid = vrid;
	farewell.source = (struct net_addr){AF_INET6, {0xfe, 0x80, seed}};
	memset(farewell.mac, seed, 6);
	for (; farewell.peer_count < peers; farewell.peer_count++) {
		farewell.peers[farewell.peer_count].family = AF_INET6;
		memset(farewell.peers[farewell.peer_count].bytes, seed, 16);
	}
	memset(farewell.payload, seed, len);
	farewell.payload[0] = 0x31;
	farewell.payload[1] = vrid;
	farewell.payload[2] = 0;
	farewell.len = len;
	return &farewell;
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

/* ---- a writer that is killed ---- */

#define UNITS 4

/* Writes for ever; every value follows from one seed, and both families of things are replaced, dropped and put back. */
static void write_for_ever(int ready)
{
	struct vrrp_held fixed = make_held("fixed", "eth0", 3, "10.9.9.9");
	char unit[UNITS][16];

	assert_int_equal(vrrp_ward_hold(ward, &fixed), 0);
	for (uint32_t n = 1;; n++) {
		uint8_t seed = (uint8_t)n;
		struct vrrp_held held = make_held("edge", "eth0", 3, "10.0.0.1");

		memset(held.address.addr.bytes, seed, 4);
		held.ifindex = 1 + seed;
		snprintf(held.interface, sizeof(held.interface), "eth%u", seed);
		snprintf(held.unit, sizeof(held.unit), "unit-%u", seed);
		vrrp_ward_hold(ward, &held);
		vrrp_ward_set_farewell(
			ward, make_farewell(5, 51, seed % (VRRP_PEERS_MAX + 1), 8 + 16 * (size_t)seed, seed));
		vrrp_ward_set_farewell(ward, make_farewell(5, 52, 0, 8 + 16 * (size_t)(255 - seed), seed));
		for (int u = 0; u < UNITS; u++) {
			snprintf(unit[u], sizeof(unit[u]), "unit-%d", u);
			vrrp_ward_advertised(ward, unit[u], (int64_t)n << 32 | n, (int64_t)n << 32 | n);
		}
		memset(held.address.addr.bytes, seed - 3, 4);
		vrrp_ward_drop(ward, 1 + (uint8_t)(seed - 3), &held.address.addr);
		if (n == 5 && write(ready, "!", 1) != 1)
			_exit(1);
	}
}

static bool all_are(const uint8_t *bytes, size_t len, uint8_t value)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != value)
			return false;
	return true;
}

/* What is held is whole, few, and the one that never changed is there. All but that is dropped, for the next round. */
static void check_held(void)
{
	struct vrrp_held held;
	bool fixed = false;
	size_t cursor = 0, n = 0;

	for (; vrrp_ward_next_held(ward, &cursor, &held); n++) {
		uint8_t seed = held.address.addr.bytes[0];
		char text[32];

		if (strcmp(held.unit, "fixed") == 0) {
			fixed = true;
			continue;
		}
		assert_true(all_are(held.address.addr.bytes, 4, seed));
		assert_int_equal(held.ifindex, 1 + seed);
		snprintf(text, sizeof(text), "eth%u", seed);
		assert_string_equal(held.interface, text);
		snprintf(text, sizeof(text), "unit-%u", seed);
		assert_string_equal(held.unit, text);
		vrrp_ward_drop(ward, held.ifindex, &held.address.addr);
	}
	assert_true(fixed);
	assert_true(n <= 6);
}

/* Each of the two is there, whole, at most twice (the new and the old). */
static void check_farewells(void)
{
	static struct vrrp_farewell f;
	int seen[2] = {};
	size_t cursor = 0;

	while (vrrp_ward_next_farewell(ward, &cursor, &f)) {
		uint8_t seed = f.mac[0];

		assert_in_range(f.vrid, 51, 52);
		seen[f.vrid - 51]++;
		assert_true(all_are(f.mac, 6, seed) && f.source.bytes[2] == seed);
		assert_int_equal(f.len, 8 + 16 * (size_t)(f.vrid == 51 ? seed : 255 - seed));
		assert_int_equal(f.peer_count, f.vrid == 51 ? seed % (VRRP_PEERS_MAX + 1) : 0);
		for (size_t i = 0; i < f.peer_count; i++)
			assert_true(all_are(f.peers[i].bytes, 16, seed));
		assert_true(all_are(f.payload + 3, f.len - 3, seed));
	}
	assert_in_range(seen[0], 1, 2);
	assert_in_range(seen[1], 1, 2);
}

static void check_active(void)
{
	int64_t at, safe;

	for (int u = 0; u < UNITS; u++) {
		char unit[16];

		snprintf(unit, sizeof(unit), "unit-%d", u);
		assert_true(vrrp_ward_was_active(ward, unit, &at, &safe));
		assert_int_equal(at, safe);
		assert_int_equal(at >> 32, at & 0xffffffff);
	}
}

static void kill_at_random_instants(void **state)
{
	srandom(7);
	for (int round = 0; round < 100; round++) {
		int ready[2];
		char byte;

		assert_int_equal(pipe(ready), 0);

		pid_t pid = fork();

		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			write_for_ever(ready[1]);
		}
		assert_true(pid > 0);
		close(ready[1]);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		close(ready[0]);

		struct timespec pause = {.tv_nsec = random() % 2000000};

		/* No event is waited for: the instant is what is tested. */
		nanosleep(&pause, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (round % 2)
			reopen();
		check_held();
		check_farewells();
		check_active();
	}
	/* Nothing leaks: what is over gives its room back. */
	assert_true(ward->file->header.used[WARD_HELD] <= 16);
	assert_true(ward->file->header.used[WARD_FAREWELLS] <= 8);
	assert_true(ward->file->header.used[WARD_ACTIVE] == UNITS);
}

/*
 * The instants one by one: the writer is stepped through a change, instruction by instruction, and after each of them the
 * reader looks, as if the writer had been killed there.
 */
static long step_through(void (*change)(void), void (*look)(void))
{
	pid_t pid = fork();
	int status;
	long steps = 0;

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		change();
		raise(SIGSTOP);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)PTRACE_O_EXITKILL), 0);
	do {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		look();
		steps++;
	} while (WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP && steps < 1000000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	return steps;
}

static struct vrrp_held old_held, new_held;

static void change_held(void)
{
	vrrp_ward_hold(ward, &new_held);
}

/* Whole, old or new, never none. */
static void look_at_held(void)
{
	struct vrrp_held found;
	size_t cursor = 0, n = 0;

	for (; vrrp_ward_next_held(ward, &cursor, &found); n++)
		assert_true(memcmp(&found, &old_held, sizeof(found)) == 0 ||
			    memcmp(&found, &new_held, sizeof(found)) == 0);
	assert_in_range(n, 1, 2);
}

static void change_farewell(void)
{
	vrrp_ward_set_farewell(ward, make_farewell(5, 51, 3, 40, 0x22));
}

static void look_at_farewells(void)
{
	static struct vrrp_farewell f;
	size_t cursor = 0, n = 0;

	for (; vrrp_ward_next_farewell(ward, &cursor, &f); n++) {
		uint8_t seed = f.mac[0];

		assert_true(seed == 0x11 || seed == 0x22);
		assert_int_equal(f.len, seed == 0x11 ? 136 : 40);
		assert_int_equal(f.peer_count, seed == 0x11 ? 1 : 3);
		assert_true(all_are(f.payload + 3, f.len - 3, seed) && all_are(f.peers[0].bytes, 16, seed));
	}
	assert_in_range(n, 1, 2);
}

static void change_active(void)
{
	vrrp_ward_advertised(ward, "edge", 2, 2);
	vrrp_ward_advertised(ward, "edge", 3, 3);
	vrrp_ward_unsafe(ward);
}

static void look_at_active(void)
{
	int64_t at, safe;

	assert_true(vrrp_ward_was_active(ward, "edge", &at, &safe));
	assert_in_range(at, 1, 3);
	assert_true(at == safe || (at == 3 && safe == 0));
}

static void kill_at_every_instant(void **state)
{
	long steps = 0;

	/* The new one goes where something else was: bytes of it are no part of what is read. */
	old_held = make_held("gone", "gone0", 77, "fd00:7777::7777");
	new_held = make_held("edge", "eth0", 3, "10.0.0.1");
	assert_int_equal(vrrp_ward_hold(ward, &old_held), 0);
	assert_int_equal(vrrp_ward_hold(ward, &new_held), 0);
	vrrp_ward_drop(ward, 77, &old_held.address.addr);
	old_held = new_held;
	snprintf(new_held.unit, sizeof(new_held.unit), "another");
	new_held.address.prefix = 32;
	new_held.ifindex = 4;
	steps += step_through(change_held, look_at_held);

	assert_int_equal(vrrp_ward_set_farewell(ward, make_farewell(6, 99, 16, 300, 0x33)), 0);
	assert_int_equal(vrrp_ward_set_farewell(ward, make_farewell(5, 51, 1, 136, 0x11)), 0);
	vrrp_ward_clear_farewell(ward, 6, AF_INET6, 99);
	steps += step_through(change_farewell, look_at_farewells);

	vrrp_ward_advertised(ward, "edge", 1, 1);
	steps += step_through(change_active, look_at_active);
	print_message("%ld instants\n", steps);
	assert_true(steps > 1000);
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
		cmocka_unit_test_setup_teardown(kill_at_every_instant, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kill_at_random_instants, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
