/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_lease.h"

#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "common/bpf_pins.h"
#include "common/log.h"
#include "vrrp/vrrp_lease_map.h"

#define LOOK_S 1.

/* What a unit stamped: it outlives the maps. */
struct slot {
	bool used;
	uint64_t until, taken, grace;
};

struct vrrp_lease {
	struct ev_loop *loop;
	ev_timer look;
	char pin_dir[128];
	struct lease_maps maps;
	int error; /* of the last try to open them */
	struct slot slots[LEASES_MAX];
	struct vrrp_lease_entry *list; /* owned, sorted: what is to be entered */
	size_t count;
	bool settled;  /* that, and nothing else, is in the maps */
	int put_error; /* the last that was told */
};

static void store(__u64 *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
}

/* ---- the addresses ---- */

static int compare(const void *a, const void *b)
{
	return memcmp(&((const struct vrrp_lease_entry *)a)->addr,
		&((const struct vrrp_lease_entry *)b)->addr, sizeof(struct lease_addr));
}

static const struct vrrp_lease_entry *find(
	const struct vrrp_lease_entry *list, size_t count, const struct lease_addr *addr)
{
	struct vrrp_lease_entry key = {.addr = *addr};

	return count ? bsearch(&key, list, count, sizeof(*list), compare) : NULL;
}

static void say_count(const struct vrrp_lease *lease)
{
	__atomic_store_n(&lease_maps_board(&lease->maps)->entries, (uint32_t)lease->count, __ATOMIC_RELEASE);
}

/* Those of a speaker before this one, or of another config. */
static void delete_strangers(const struct vrrp_lease *lease)
{
	struct lease_addr at, next;
	bool more = lease_maps_next(&lease->maps, NULL, &at);

	for (size_t i = 0; more && i < LEASE_ADDRS; i++) {
		more = lease_maps_next(&lease->maps, &at, &next);
		if (!find(lease->list, lease->count, &at))
			lease_maps_delete(&lease->maps, &at);
		at = next;
	}
}

static int put_all(const struct vrrp_lease *lease, const struct vrrp_lease_entry *but, size_t but_count)
{
	int first = 0;

	for (size_t i = 0; i < lease->count; i++) {
		const struct vrrp_lease_entry *e = &lease->list[i];
		const struct vrrp_lease_entry *had = find(but, but_count, &e->addr);
		int err = had && had->slot == e->slot ? 0 : lease_maps_put(&lease->maps, &e->addr, e->slot);

		first = first ? first : err;
	}
	return first;
}

static int say_put(struct vrrp_lease *lease, int err)
{
	if (err && err != lease->put_error)
		log_error("lease: cannot enter an address: %s", strerror(-err));
	lease->put_error = err;
	lease->settled = !err;
	return err;
}

/* Whatever the maps hold now. */
static int settle(struct vrrp_lease *lease)
{
	int err = put_all(lease, NULL, 0);

	say_count(lease);
	delete_strangers(lease);
	return say_put(lease, err);
}

/* From what was entered before. */
static int change(struct vrrp_lease *lease, const struct vrrp_lease_entry *before, size_t before_count)
{
	int err = put_all(lease, before, before_count);

	say_count(lease);
	for (size_t i = 0; i < before_count; i++)
		if (!find(lease->list, lease->count, &before[i].addr))
			lease_maps_delete(&lease->maps, &before[i].addr);
	return say_put(lease, err);
}

int vrrp_lease_enter(struct vrrp_lease *lease, const struct vrrp_lease_entry *list, size_t count)
{
	struct vrrp_lease_entry *before = lease->list, *sorted = calloc(count + 1, sizeof(*sorted));
	size_t before_count = lease->count, kept = 0;
	bool same;
	int err = 0;

	if (!sorted)
		return -ENOMEM;
	if (count)
		memcpy(sorted, list, count * sizeof(*list));
	qsort(sorted, count, sizeof(*sorted), compare);
	for (size_t i = 0; i < count; i++)
		if (!i || compare(&sorted[kept - 1], &sorted[i]) != 0)
			sorted[kept++] = sorted[i];
	same = kept == before_count && (!kept || memcmp(sorted, before, kept * sizeof(*sorted)) == 0);
	lease->list = sorted;
	lease->count = kept;
	if (lease->maps.leases && !lease->settled)
		err = settle(lease);
	else if (lease->maps.leases && !same)
		err = change(lease, before, before_count);
	free(before);
	return err;
}

/* ---- the maps come and go ---- */

static const char *in_words(int err)
{
	switch (err) {
	case 0:
		return "";
	case -ENOENT:
		return "no dataplane";
	case -EPROTO:
		return "the dataplane is of another version";
	case -EPERM:
		return "may not open the dataplane's maps (needs CAP_BPF)";
	default:
		return strerror(-err);
	}
}

/* The leases before the addresses: what is entered is looked at at once. */
static void fill(struct vrrp_lease *lease)
{
	for (unsigned i = 1; i < LEASES_MAX; i++) {
		const struct slot *slot = &lease->slots[i];
		struct lease *to = &lease->maps.leases[i];

		if (!slot->used)
			continue;
		store(&to->grace_ns, slot->grace);
		store(&to->taken_ns, slot->taken);
		store(&to->until_ns, slot->until);
	}
	settle(lease);
}

static int reopen(struct vrrp_lease *lease)
{
	int err;

	lease_maps_close(&lease->maps);
	lease->settled = false;
	err = lease_maps_open(&lease->maps, lease->pin_dir);
	if (err && err != lease->error && err != -ENOENT)
		log_error("lease: %s: %s", lease->pin_dir, in_words(err));
	else if (!err)
		log_info("lease: the dataplane of %s looks at it", lease->pin_dir);
	lease->error = err;
	return err;
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct vrrp_lease *lease = timer->data;

	if (!lease_maps_are_current(&lease->maps, lease->pin_dir)) {
		if (reopen(lease) == 0)
			fill(lease);
	} else if (lease->list && !lease->settled) {
		settle(lease);
	}
}

int vrrp_lease_open(struct vrrp_lease **out, struct ev_loop *loop, const char *run_dir)
{
	struct vrrp_lease *lease = calloc(1, sizeof(*lease));

	*out = lease;
	if (!lease)
		return -ENOMEM;
	lease->loop = loop;
	lease->maps.addrs = -1;
	bpf_pin_dir(run_dir, lease->pin_dir, sizeof(lease->pin_dir));
	/* What stands in the maps is the speaker's before this one: units that go on claim it. */
	reopen(lease);
	ev_timer_init(&lease->look, on_look, LOOK_S, LOOK_S);
	lease->look.data = lease;
	ev_timer_start(loop, &lease->look);
	return 0;
}

static void forget_all(const struct lease_maps *maps)
{
	struct lease_addr at;

	__atomic_store_n(&lease_maps_board(maps)->entries, 0, __ATOMIC_RELEASE);
	for (size_t i = 0; i < LEASE_ADDRS && lease_maps_next(maps, NULL, &at); i++)
		lease_maps_delete(maps, &at);
	for (unsigned i = 1; i < LEASES_MAX; i++)
		store(&maps->leases[i].until_ns, 0);
}

void vrrp_lease_close(struct vrrp_lease *lease, bool forget)
{
	if (!lease)
		return;
	ev_timer_stop(lease->loop, &lease->look);
	if (forget && lease->maps.leases)
		forget_all(&lease->maps);
	lease_maps_close(&lease->maps);
	free(lease->list);
	free(lease);
}

void vrrp_lease_forget(const char *run_dir)
{
	struct lease_maps maps;
	char pin_dir[128];

	bpf_pin_dir(run_dir, pin_dir, sizeof(pin_dir));
	if (lease_maps_open(&maps, pin_dir))
		return;
	forget_all(&maps);
	lease_maps_close(&maps);
}

/* ---- a unit's lease ---- */

unsigned vrrp_lease_claim(struct vrrp_lease *lease, const struct lease_addr *first, bool goes_on)
{
	unsigned slot = 0;
	uint32_t before = 0;

	if (lease->maps.leases && lease_maps_find(&lease->maps, first, &before) == 0 && before < LEASES_MAX &&
		!lease->slots[before].used)
		slot = before;
	for (unsigned i = 1; i < LEASES_MAX && !slot; i++)
		if (!lease->slots[i].used)
			slot = i;
	if (!slot)
		return 0;
	lease->slots[slot] = (struct slot){.used = true};
	if (lease->maps.leases && goes_on && slot == before) {
		const struct lease *l = &lease->maps.leases[slot];

		lease->slots[slot] = (struct slot){true, l->until_ns, l->taken_ns, l->grace_ns};
	} else if (lease->maps.leases) {
		store(&lease->maps.leases[slot].until_ns, 0);
	}
	return slot;
}

void vrrp_lease_free(struct vrrp_lease *lease, unsigned slot)
{
	if (!slot)
		return;
	vrrp_lease_stamp(lease, slot, 0);
	lease->slots[slot].used = false;
}

void vrrp_lease_stamp(struct vrrp_lease *lease, unsigned slot, int64_t until)
{
	if (!slot)
		return;
	lease->slots[slot].until = (uint64_t)until;
	if (lease->maps.leases)
		store(&lease->maps.leases[slot].until_ns, (uint64_t)until);
}

void vrrp_lease_take(struct vrrp_lease *lease, unsigned slot, int64_t taken, int64_t grace_ns)
{
	if (!slot)
		return;
	lease->slots[slot].taken = (uint64_t)taken;
	lease->slots[slot].grace = (uint64_t)grace_ns;
	if (!lease->maps.leases)
		return;
	store(&lease->maps.leases[slot].grace_ns, (uint64_t)grace_ns);
	store(&lease->maps.leases[slot].taken_ns, (uint64_t)taken);
}

int64_t vrrp_lease_until(const struct vrrp_lease *lease, unsigned slot)
{
	return slot ? (int64_t)lease->slots[slot].until : 0;
}

/* ---- what is known ---- */

enum vrrp_table vrrp_lease_table(const struct vrrp_lease *lease, int64_t now)
{
	const struct lease_board *board = lease_maps_board(&lease->maps);
	uint64_t said, alone;
	uint32_t table;

	if (!board)
		return VRRP_TABLE_NONE;
	table = __atomic_load_n(&board->table, __ATOMIC_ACQUIRE);
	alone = __atomic_load_n(&board->alone, __ATOMIC_ACQUIRE);
	said = __atomic_load_n(&board->said_ns, __ATOMIC_ACQUIRE);
	if (said + LEASE_WORD_NS < (uint64_t)now || table > LEASE_TABLE_IN_SYNC)
		return VRRP_TABLE_NONE;
	return table == LEASE_TABLE_IN_SYNC && alone ? VRRP_TABLE_ALONE : (enum vrrp_table)table;
}

int64_t vrrp_lease_table_age(const struct vrrp_lease *lease, int64_t now)
{
	const struct lease_board *board = lease_maps_board(&lease->maps);

	return board ? now - (int64_t)__atomic_load_n(&board->said_ns, __ATOMIC_ACQUIRE) : INT64_MAX;
}

void vrrp_lease_status(const struct vrrp_lease *lease, struct vrrp_lease_status *out)
{
	*out = (struct vrrp_lease_status){.there = lease->maps.leases != NULL,
		.error = in_words(lease->error),
		.entered = lease->count};
}
