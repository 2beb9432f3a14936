/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Leases in real maps, pinned in a bpf file system of the test's own, where only its process sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ev.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/bpf_pins.h"
#include "vrrp/vrrp_lease.h"
#include "vrrp/vrrp_lease_map.h"
#include "vrrp/vrrp_timer.h"

#define RUN_DIR "/run/unit/lease"
#define SECOND  1000000000LL

static struct ev_loop *loop;
static char dir[128], leases_pin[192], addrs_pin[192];
static struct lease_maps maps; /* the dataplane's view */

static int call(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static void make(
	const char *pin, uint32_t type, uint32_t key, uint32_t value, uint32_t entries, uint32_t flags)
{
	union bpf_attr map = {.map_type = type,
		.key_size = key,
		.value_size = value,
		.max_entries = entries,
		.map_flags = flags};
	union bpf_attr object = {.pathname = (uint64_t)(uintptr_t)pin};
	int fd = call(BPF_MAP_CREATE, &map);

	assert_true(fd >= 0);
	object.bpf_fd = (uint32_t)fd;
	assert_int_equal(call(BPF_OBJ_PIN, &object), 0);
	close(fd);
}

/* What tandem-lb does, as far as leases go. */
static void make_maps(uint32_t value)
{
	make(leases_pin, BPF_MAP_TYPE_ARRAY, 4, value, LEASES_MAX, BPF_F_MMAPABLE);
	make(addrs_pin, BPF_MAP_TYPE_HASH, sizeof(struct lease_addr), 4, LEASE_ADDRS, 0);
	if (value == sizeof(struct lease))
		assert_int_equal(lease_maps_open(&maps, dir), 0);
}

static void remove_maps(void)
{
	lease_maps_close(&maps);
	unlink(leases_pin);
	unlink(addrs_pin);
}

static int begin(void **state)
{
	remove_maps();
	make_maps(sizeof(struct lease));
	return 0;
}

static struct vrrp_lease_entry entry(uint8_t last, uint32_t slot)
{
	struct vrrp_lease_entry e = {.addr = {.family = 4}, .slot = slot};
	uint8_t bytes[4] = {10, 0, 1, last};

	memcpy(e.addr.addr, bytes, 4);
	return e;
}

static uint32_t slot_of(uint8_t last)
{
	struct vrrp_lease_entry e = entry(last, 0);
	uint32_t slot = 0;

	return lease_maps_find(&maps, &e.addr, &slot) ? 0 : slot;
}

static uint32_t entries(void)
{
	return lease_maps_board(&maps)->entries;
}

static struct vrrp_lease *open_lease(void)
{
	struct vrrp_lease *lease;

	assert_int_equal(vrrp_lease_open(&lease, loop, RUN_DIR), 0);
	return lease;
}

static unsigned claim(struct vrrp_lease *lease, uint8_t last, bool goes_on)
{
	struct vrrp_lease_entry e = entry(last, 0);

	return vrrp_lease_claim(lease, &e.addr, goes_on);
}

static void on_late(struct ev_loop *l, ev_timer *timer, int events)
{
	*(bool *)timer->data = true;
}

/* Run the loop until it holds, 5 s at most. */
static void until(bool (*holds)(const struct vrrp_lease *), const struct vrrp_lease *lease)
{
	bool late = false;
	ev_timer timer;

	ev_timer_init(&timer, on_late, 5., 0.);
	timer.data = &late;
	ev_timer_start(loop, &timer);
	while (!holds(lease) && !late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &timer);
	assert_true(holds(lease));
}

static bool is_there(const struct vrrp_lease *lease)
{
	struct vrrp_lease_status status;

	vrrp_lease_status(lease, &status);
	return status.there;
}

static bool is_gone(const struct vrrp_lease *lease)
{
	return !is_there(lease);
}

/* ---- */

static void a_stamp_is_in_the_map_at_once(void **state)
{
	struct vrrp_lease *lease = open_lease();
	struct vrrp_lease_entry list[] = {entry(101, 1), entry(100, 1), entry(100, 1)};
	unsigned slot = claim(lease, 100, false);

	assert_int_equal(slot, 1);
	vrrp_lease_enter(lease, list, 3);
	assert_int_equal(entries(), 2);
	assert_int_equal(slot_of(100), 1);
	assert_int_equal(slot_of(101), 1);
	vrrp_lease_take(lease, slot, 5, 7);
	vrrp_lease_stamp(lease, slot, 12345);
	assert_int_equal(maps.leases[1].until_ns, 12345);
	assert_int_equal(maps.leases[1].taken_ns, 5);
	assert_int_equal(maps.leases[1].grace_ns, 7);
	vrrp_lease_stamp(lease, 0, 99); /* who has no slot */
	assert_int_equal(lease_maps_board(&maps)->table, 0);
	vrrp_lease_close(lease, true);
	assert_int_equal(entries(), 0);
	assert_int_equal(slot_of(100), 0);
	assert_int_equal(maps.leases[1].until_ns, 0);
}

static void another_list_changes_what_is_other(void **state)
{
	struct vrrp_lease *lease = open_lease();
	struct vrrp_lease_entry first[] = {entry(1, 1), entry(2, 1)}, second[] = {entry(2, 2), entry(3, 2)};

	vrrp_lease_enter(lease, first, 2);
	vrrp_lease_enter(lease, second, 2);
	assert_int_equal(slot_of(1), 0);
	assert_int_equal(slot_of(2), 2);
	assert_int_equal(slot_of(3), 2);
	assert_int_equal(entries(), 2);
	vrrp_lease_enter(lease, NULL, 0);
	assert_int_equal(entries(), 0);
	assert_int_equal(slot_of(3), 0);
	vrrp_lease_close(lease, true);
}

static void a_speaker_that_goes_on_keeps_slot_and_stamp(void **state)
{
	struct vrrp_lease *lease = open_lease();
	struct vrrp_lease_entry list[] = {entry(1, 1), entry(2, 2), entry(9, 2)};

	assert_int_equal(claim(lease, 1, false), 1);
	assert_int_equal(claim(lease, 2, false), 2);
	vrrp_lease_enter(lease, list, 3);
	vrrp_lease_stamp(lease, 1, 111);
	vrrp_lease_stamp(lease, 2, 222);
	vrrp_lease_close(lease, false); /* killed */
	assert_int_equal(entries(), 3);
	lease = open_lease();
	assert_int_equal(claim(lease, 2, true), 2);
	assert_int_equal(vrrp_lease_until(lease, 2), 222);
	assert_int_equal(maps.leases[2].until_ns, 222);
	assert_int_equal(claim(lease, 1, false), 1);
	assert_int_equal(maps.leases[1].until_ns, 0); /* a beginner has nothing */
	vrrp_lease_enter(lease, list, 2);
	assert_int_equal(slot_of(2), 2);
	vrrp_lease_close(lease, true);
	assert_int_equal(slot_of(9), 0);
}

static void all_slots_are_given_once(void **state)
{
	struct vrrp_lease *lease = open_lease();

	for (unsigned i = 1; i < LEASES_MAX; i++)
		assert_int_equal(claim(lease, 1, false), i);
	assert_int_equal(claim(lease, 1, false), 0);
	vrrp_lease_free(lease, 77);
	assert_int_equal(claim(lease, 1, false), 77);
	vrrp_lease_close(lease, true);
}

static void maps_that_come_later_get_what_was_stamped(void **state)
{
	struct vrrp_lease_entry list[] = {entry(1, 1)};
	struct vrrp_lease *lease;
	struct vrrp_lease_status status;
	unsigned slot;

	remove_maps();
	lease = open_lease();
	slot = claim(lease, 1, false);
	vrrp_lease_stamp(lease, slot, 42);
	vrrp_lease_take(lease, slot, 40, 3);
	assert_int_equal(vrrp_lease_enter(lease, list, 1), 0);
	assert_int_equal(vrrp_lease_table(lease, 1), VRRP_TABLE_NONE);
	vrrp_lease_status(lease, &status);
	assert_string_equal(status.error, "no dataplane");
	make_maps(sizeof(struct lease));
	until(is_there, lease);
	assert_int_equal(maps.leases[slot].until_ns, 42);
	assert_int_equal(maps.leases[slot].taken_ns, 40);
	assert_int_equal(slot_of(1), slot);
	assert_int_equal(entries(), 1);
	/* made anew, as tandem-lb --reset does */
	remove_maps();
	make_maps(sizeof(struct lease));
	ev_run(loop, EVRUN_ONCE);
	until(is_there, lease);
	assert_int_equal(maps.leases[slot].until_ns, 42);
	assert_int_equal(slot_of(1), slot);
	/* and taken away */
	remove_maps();
	until(is_gone, lease);
	vrrp_lease_stamp(lease, slot, 43);
	vrrp_lease_close(lease, true);
}

static void strangers_in_the_map_go(void **state)
{
	struct vrrp_lease_entry list[] = {entry(1, 1)}, stranger = entry(200, 3);
	struct vrrp_lease *lease;

	remove_maps();
	lease = open_lease();
	claim(lease, 1, false);
	vrrp_lease_enter(lease, list, 1);
	make_maps(sizeof(struct lease));
	lease_maps_put(&maps, &stranger.addr, 3);
	until(is_there, lease);
	assert_int_equal(slot_of(200), 0);
	assert_int_equal(slot_of(1), 1);
	vrrp_lease_close(lease, true);
}

/* The speaker before this one was killed, and its config was another one. */
static void strangers_go_with_the_first_list(void **state)
{
	struct vrrp_lease_entry list[] = {entry(1, 1)}, stranger = entry(200, 3);
	struct vrrp_lease *lease;

	lease_maps_put(&maps, &stranger.addr, 3);
	lease_maps_put(&maps, &list[0].addr, 1);
	lease = open_lease();
	assert_int_equal(claim(lease, 1, true), 1);
	assert_int_equal(slot_of(200), 3);
	vrrp_lease_enter(lease, list, 1);
	assert_int_equal(slot_of(200), 0);
	assert_int_equal(slot_of(1), 1);
	vrrp_lease_close(lease, false);
	lease = open_lease();
	vrrp_lease_enter(lease, NULL, 0);
	assert_int_equal(slot_of(1), 0);
	assert_int_equal(entries(), 0);
	vrrp_lease_close(lease, true);
}

static bool is_second_entered(const struct vrrp_lease *lease)
{
	return slot_of(2) == 1;
}

static void what_could_not_be_entered_is_tried_again(void **state)
{
	struct vrrp_lease_entry list[] = {entry(1, 1), entry(2, 1)}, stranger = entry(200, 3);
	struct vrrp_lease *lease;

	remove_maps();
	make(leases_pin, BPF_MAP_TYPE_ARRAY, 4, sizeof(struct lease), LEASES_MAX, BPF_F_MMAPABLE);
	make(addrs_pin, BPF_MAP_TYPE_HASH, sizeof(struct lease_addr), 4, 2, 0);
	assert_int_equal(lease_maps_open(&maps, dir), 0);
	lease = open_lease();
	assert_int_equal(vrrp_lease_enter(lease, list, 1), 0);
	assert_int_equal(lease_maps_put(&maps, &stranger.addr, 3), 0);
	assert_int_equal(vrrp_lease_enter(lease, list, 2), -E2BIG);
	assert_int_equal(slot_of(2), 0);
	until(is_second_entered, lease);
	assert_int_equal(slot_of(1), 1);
	assert_int_equal(slot_of(200), 0);
	vrrp_lease_close(lease, true);
}

static void maps_of_another_version_are_left_alone(void **state)
{
	struct vrrp_lease_status status;
	struct vrrp_lease *lease;

	remove_maps();
	make_maps(48);
	lease = open_lease();
	vrrp_lease_status(lease, &status);
	assert_false(status.there);
	assert_string_equal(status.error, "the dataplane is of another version");
	vrrp_lease_stamp(lease, claim(lease, 1, false), 5);
	vrrp_lease_close(lease, true);
}

static void the_balancers_word_is_believed_while_it_is_fresh(void **state)
{
	struct vrrp_lease *lease = open_lease();
	struct lease_board *board = lease_maps_board(&maps);

	board->said_ns = 100 * SECOND;
	board->table = LEASE_TABLE_BEHIND;
	assert_int_equal(vrrp_lease_table(lease, 100 * SECOND), VRRP_TABLE_BEHIND);
	board->table = LEASE_TABLE_IN_SYNC;
	assert_int_equal(vrrp_lease_table(lease, 102 * SECOND), VRRP_TABLE_IN_SYNC);
	assert_int_equal(vrrp_lease_table(lease, 102 * SECOND + 1), VRRP_TABLE_NONE);
	board->alone = 1;
	assert_int_equal(vrrp_lease_table(lease, 102 * SECOND), VRRP_TABLE_ALONE);
	board->alone = 0;
	board->table = 9;
	assert_int_equal(vrrp_lease_table(lease, 100 * SECOND), VRRP_TABLE_NONE);
	vrrp_lease_close(lease, true);
}

static void the_guard_forgets_for_a_dead_speaker(void **state)
{
	struct vrrp_lease *lease = open_lease();
	struct vrrp_lease_entry list[] = {entry(1, 1)};

	vrrp_lease_stamp(lease, claim(lease, 1, false), 5);
	vrrp_lease_enter(lease, list, 1);
	vrrp_lease_close(lease, false);
	vrrp_lease_forget("/run/unit/nobody");
	assert_int_equal(slot_of(1), 1);
	vrrp_lease_forget(RUN_DIR);
	assert_int_equal(slot_of(1), 0);
	assert_int_equal(entries(), 0);
	assert_int_equal(maps.leases[1].until_ns, 0);
}

static void a_stamp_costs_next_to_nothing(void **state)
{
	struct vrrp_lease *lease = open_lease();
	unsigned slot = claim(lease, 1, false);
	int64_t from = vrrp_now();

	for (int i = 0; i < 100000; i++)
		vrrp_lease_stamp(lease, slot, from + i);
	printf("# a stamp takes %.1f ns, with sanitizers\n", (double)(vrrp_now() - from) / 100000);
	assert_true(vrrp_now() - from < SECOND);
	assert_int_equal(maps.leases[slot].until_ns, from + 99999);
	vrrp_lease_close(lease, true);
}

static void make_home(void)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("bpf", BPFFS, "bpf", 0, NULL)) {
		printf("1..0 # SKIP no bpf file system of its own: %s (root is needed)\n", strerror(errno));
		exit(0);
	}
	bpf_pin_dir(RUN_DIR, dir, sizeof(dir));
	mkdir(BPFFS "/tandem", 0700);
	mkdir(dir, 0700);
	snprintf(leases_pin, sizeof(leases_pin), "%s/" LEASE_MAP, dir);
	snprintf(addrs_pin, sizeof(addrs_pin), "%s/" LEASE_ADDR_MAP, dir);
	maps.addrs = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_stamp_is_in_the_map_at_once, begin),
		cmocka_unit_test_setup(another_list_changes_what_is_other, begin),
		cmocka_unit_test_setup(a_speaker_that_goes_on_keeps_slot_and_stamp, begin),
		cmocka_unit_test_setup(all_slots_are_given_once, begin),
		cmocka_unit_test_setup(maps_that_come_later_get_what_was_stamped, begin),
		cmocka_unit_test_setup(strangers_in_the_map_go, begin),
		cmocka_unit_test_setup(strangers_go_with_the_first_list, begin),
		cmocka_unit_test_setup(what_could_not_be_entered_is_tried_again, begin),
		cmocka_unit_test_setup(maps_of_another_version_are_left_alone, begin),
		cmocka_unit_test_setup(the_balancers_word_is_believed_while_it_is_fresh, begin),
		cmocka_unit_test_setup(the_guard_forgets_for_a_dead_speaker, begin),
		cmocka_unit_test_setup(a_stamp_costs_next_to_nothing, begin),
	};
	int failed;

	make_home();
	loop = ev_default_loop(0);
	failed = cmocka_run_group_tests_name("vrrp_lease", tests, NULL, NULL);
	lease_maps_close(&maps);
	return failed;
}
