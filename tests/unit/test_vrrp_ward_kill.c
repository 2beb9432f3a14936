/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ward whose writer is killed: at every instruction of a change, and at random instants of many. */
#include "ward_harness.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

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
		cmocka_unit_test_setup_teardown(kill_at_every_instant, set_up, tear_down),
		cmocka_unit_test_setup_teardown(kill_at_random_instants, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
