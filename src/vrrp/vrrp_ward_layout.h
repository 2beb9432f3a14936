/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands where in RUNDIR/vrrp.ward: for vrrp_ward*.c and for tests that write such a file by hand.
 *
 * A table is an array of slots, filled from its beginning; header.used says how many slots were ever used, so that nobody
 * touches (and so pays for) the rest. A slot counts when its first word is one of two values. What is changed is written
 * into a free slot, which is made valid before the old one is made invalid: a reader may see both, never none.
 *
 * Every table has room for twice what a config may hold: the new before the old is gone.
 */
#ifndef TANDEM_VRRP_WARD_LAYOUT_H
#define TANDEM_VRRP_WARD_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_model.h"

#define WARD_FILE    "vrrp.ward"
#define WARD_MAGIC   "TANDWARD"
#define WARD_VERSION 1
#define WARD_PAGE    4096

#define WARD_VALID  0x5afe0a11u /* anything but these two: a free slot */
#define WARD_SECOND 0x5afe0b22u /* valid, and the second of its two copies counts (active units only) */

#define WARD_HELD_MAX     (2 * VRRP_ADDRESSES_TOTAL)
#define WARD_LINKS_MAX    (4 * VRRP_INSTANCES_MAX) /* two families, twice */
#define WARD_ACTIVE_MAX   (2 * VRRP_INSTANCES_MAX)
#define WARD_FAREWELL_MAX (4 * VRRP_INSTANCES_MAX)
#define WARD_BLOCKS_MAX   12288
#define WARD_BLOCK        64 /* bytes */

enum ward_table { WARD_HELD, WARD_LINKS, WARD_ACTIVE, WARD_FAREWELLS, WARD_BLOCKS, WARD_TABLES };

struct ward_header {
	char magic[8]; /* written last */
	uint32_t version;
	uint32_t size; /* of the whole file */
	char boot_id[40];
	uint64_t netns; /* inode of the network namespace: an index means something there only */
	_Atomic uint32_t used[WARD_TABLES];
	_Atomic uint32_t resume, claimed;
};

struct ward_held {
	_Atomic uint32_t valid;
	int32_t ifindex;
	uint8_t family, prefix;
	uint8_t bytes[16];
	char interface[VRRP_IFNAME_SIZE];
	char unit[VRRP_NAME_MAX + 1];
	uint8_t reserved[2];
};

struct ward_link {
	_Atomic uint32_t valid;
	int32_t ifindex;
	char name[VRRP_IFNAME_SIZE];
};

/* The one thing that changes often: it stays in its slot, and its two copies take turns. */
struct ward_active {
	_Atomic uint32_t valid;
	char unit[VRRP_NAME_MAX + 1];
	uint32_t reserved;
	struct {
		int64_t boottime_ns, safe_ns;
	} copy[2];
};

/* Its peers (16 bytes each) and then its payload stand in the blocks. */
struct ward_farewell {
	_Atomic uint32_t valid;
	int32_t ifindex;
	uint8_t family, vrid;
	uint8_t mac[6];
	uint8_t source[16];
	uint32_t peer_count;
	uint32_t len; /* of the payload */
	uint32_t block;
};

struct ward_file {
	_Alignas(WARD_PAGE) struct ward_header header;
	_Alignas(WARD_PAGE) struct ward_held held[WARD_HELD_MAX];
	_Alignas(WARD_PAGE) struct ward_link links[WARD_LINKS_MAX];
	_Alignas(WARD_PAGE) struct ward_active active[WARD_ACTIVE_MAX];
	_Alignas(WARD_PAGE) struct ward_farewell farewells[WARD_FAREWELL_MAX];
	_Alignas(WARD_PAGE) uint8_t blocks[WARD_BLOCKS_MAX][WARD_BLOCK];
};

_Static_assert(sizeof(struct ward_file) <= 2 << 20, "the file stays below 2 MiB");
_Static_assert(ATOMIC_INT_LOCK_FREE == 2, "a lock would be lost with who holds it");

/* Where a table stands. */
struct ward_place {
	size_t offset, stride;
	uint32_t max;
};
static const struct ward_place ward_places[WARD_TABLES] = {
	[WARD_HELD] = {offsetof(struct ward_file, held), sizeof(struct ward_held), WARD_HELD_MAX},
	[WARD_LINKS] = {offsetof(struct ward_file, links), sizeof(struct ward_link), WARD_LINKS_MAX},
	[WARD_ACTIVE] = {offsetof(struct ward_file, active), sizeof(struct ward_active), WARD_ACTIVE_MAX},
	[WARD_FAREWELLS] = {offsetof(struct ward_file, farewells), sizeof(struct ward_farewell),
		WARD_FAREWELL_MAX},
	[WARD_BLOCKS] = {offsetof(struct ward_file, blocks), WARD_BLOCK, WARD_BLOCKS_MAX},
};

#define WARD_HINTS 2048

struct vrrp_ward {
	struct ward_file *file; /* shared with whoever was forked */
	int fd;
	char *path;
	uint16_t hint[WARD_HINTS]; /* by the hash of a unit's name, where it was last seen; verified */
};

/* Memory for a part of the file, by bytes: 0, or -ENOSPC (vrrp_ward_file.c). */
int vrrp_ward_allocate(int fd, size_t offset, size_t len);

/* ---- slots (vrrp_ward_slot.c) ---- */

void *vrrp_ward_slot(const struct vrrp_ward *ward, enum ward_table table, uint32_t i);
/* Slots that were ever used: what a reader has to look at. */
uint32_t vrrp_ward_used(const struct vrrp_ward *ward, enum ward_table table);
bool vrrp_ward_is_valid(const struct vrrp_ward *ward, enum ward_table table, uint32_t i);
/* The first word: everything written before is there before it, everything written later after it. 0: free. */
void vrrp_ward_set_valid(struct vrrp_ward *ward, enum ward_table table, uint32_t i, uint32_t word);
/* Memory for the first `end` slots of a table: 0, or -ENOSPC when there is none (it would be a SIGBUS later). */
int vrrp_ward_reserve(struct vrrp_ward *ward, enum ward_table table, uint32_t end);
/* A slot to write into, which is not valid and has memory; or -ENOSPC. */
long vrrp_ward_free_slot(struct vrrp_ward *ward, enum ward_table table);
/* Put a slot's bytes (but for its first word) into a free one, and only then make it valid. Its index, or -ENOSPC. */
long vrrp_ward_write_slot(struct vrrp_ward *ward, enum ward_table table, const void *from);

/* ---- what can be true ---- */

/* No control character, no blank, an end within size. */
bool vrrp_ward_is_text(const char *text, size_t size);
size_t vrrp_ward_family_bytes(uint8_t family); /* 4, 16, or 0 for no family of ours */

/* Give up what no reader would accept, so that its slots are free again: all of it, and each file's part. */
void vrrp_ward_scrub(struct vrrp_ward *ward);
void vrrp_ward_scrub_farewells(struct vrrp_ward *ward);
void vrrp_ward_scrub_active(struct vrrp_ward *ward);

#endif
