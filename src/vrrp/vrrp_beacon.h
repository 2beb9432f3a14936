/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What two speakers of a pair tell each other over every path: bytes <-> struct. Pure; the bytes travel in secure_dgram.
 * Byte order ends here. A beacon with many units is sent as parts, each one whole by itself.
 */
#ifndef TANDEM_VRRP_BEACON_H
#define TANDEM_VRRP_BEACON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_model.h"

#define VRRP_BEACON_UNITS 40 /* in one part, so that it fits SECURE_PLAIN_MAX */

enum vrrp_witness { VRRP_WITNESS_NONE, VRRP_WITNESS_UNKNOWN, VRRP_WITNESS_REACHED, VRRP_WITNESS_LOST };
enum vrrp_table {
	VRRP_TABLE_NONE,
	VRRP_TABLE_BEHIND,
	VRRP_TABLE_IN_SYNC,
	VRRP_TABLE_ALONE
}; /* NONE: no balancer, nothing to hold; ALONE: it hears no other one, so what it holds is all, if there is no other one */

/* The sender's word about one of its units. */
struct vrrp_beacon_unit {
	uint64_t name_hash; /* vrrp_beacon_hash(name) */
	uint8_t state;      /* enum vrrp_state; Initialize also when it is in fault or waiting */
	uint8_t priority;   /* that its adverts carry; 0: it leaves */
	bool lan_well;      /* its interfaces are up with carrier, and adverts could be sent */
	uint8_t witness;    /* enum vrrp_witness: of the addresses that it pings */
	uint8_t source[16]; /* of its leading virtual router, for the tie-break; IPv4 in the first four */
	uint32_t heard_ms;  /* since it heard an advert of this receiver on the LAN; UINT32_MAX: never */
};

struct vrrp_beacon {
	char node[VRRP_NAME_MAX + 1];
	uint64_t boot;        /* differs for every start of the sender */
	uint64_t sequence;    /* over all paths and parts */
	uint32_t config_hash; /* of what both must have alike; a difference is shown, never obeyed */
	uint32_t path_heard_ms
		[VRRP_PATHS_MAX]; /* since something of the receiver came by that path; UINT32_MAX: never */
	uint8_t path_count;
	uint8_t table;       /* enum vrrp_table */
	uint8_t part, parts; /* 0..parts-1 */
	uint8_t unit_count;
	struct vrrp_beacon_unit units[VRRP_BEACON_UNITS];
};

/* Its length, -EINVAL for a field out of its range, -ENOSPC. size of SECURE_PLAIN_MAX always does. */
int vrrp_beacon_encode(const struct vrrp_beacon *beacon, uint8_t *buf, size_t size);
/* 0, or -EBADMSG: shorter than it says, another version, a field out of its range. Bytes after the end are ignored (a
 * later version's). */
int vrrp_beacon_decode(const uint8_t *buf, size_t len, struct vrrp_beacon *out);

uint64_t vrrp_beacon_hash(const char *name); /* FNV-1a, 64 bits */

#endif
