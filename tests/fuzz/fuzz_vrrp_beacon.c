/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a beacon. What is accepted keeps to its ranges, and is written back to a beacon that says the same. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/secure_dgram.h"
#include "vrrp/vrrp_beacon.h"
#include "vrrp/vrrp_fsm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
	if (!held)
		abort();
}

static void check(const struct vrrp_beacon *b)
{
	size_t len = strnlen(b->node, sizeof(b->node));

	must(len > 0 && len <= VRRP_NAME_MAX);
	for (size_t i = 0; i < len; i++)
		must(b->node[i] > ' ' && b->node[i] <= '~');
	must(b->path_count <= VRRP_PATHS_MAX && b->unit_count <= VRRP_BEACON_UNITS);
	must(b->part < b->parts && b->table <= VRRP_TABLE_ALONE);
	for (size_t i = 0; i < b->unit_count; i++)
		must(b->units[i].state <= VRRP_HANDOVER && b->units[i].witness <= VRRP_WITNESS_LOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vrrp_beacon beacon, again;
	uint8_t out[SECURE_PLAIN_MAX];
	int len;

	if (vrrp_beacon_decode(data, size, &beacon) != 0)
		return 0;
	check(&beacon);
	len = vrrp_beacon_encode(&beacon, out, sizeof(out));
	must(len > 0 && (size_t)len <= size);
	must(vrrp_beacon_decode(out, (size_t)len, &again) == 0);
	/* Both were cleared first, so the gaps are alike, too. */
	must(memcmp(&beacon, &again, sizeof(beacon)) == 0);
	return 0;
}
