/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the speaker holds right now, in memory that outlives it: RUNDIR/vrrp.ward, mapped and shared by the speaker (which
 * writes) and its guard (which reads when the speaker died), and read by the next start after both died. Every entry is
 * valid or not by one word that is written last, so that a kill -9 between any two instructions leaves a readable file.
 * No libev, no netlink; believes nothing it reads: magic, version, sizes, boot id, ranges are checked.
 *
 * Order for the writer: hold() before the address is added, drop() after it was removed.
 */
#ifndef TANDEM_VRRP_WARD_H
#define TANDEM_VRRP_WARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_model.h"
#include "vrrp/vrrp_packet.h"

struct vrrp_ward;

/* Map RUNDIR/vrrp.ward (0600), made with room for twice what the model's limits allow (sparse: what is not used costs no
 * memory). One of another boot, network namespace or layout is begun anew. 0 or -errno with one line in error; -EPERM: there
 * is something that is not ours. The mapping is inherited by fork. One process writes at a time. */
int vrrp_ward_open(struct vrrp_ward **out, const char *rundir, char *error, size_t error_size);
/* Unmap; remove: the file too (a clean end that holds nothing). */
void vrrp_ward_close(struct vrrp_ward *ward, bool remove);

/* An address that is there because of us. */
struct vrrp_held {
	char unit[VRRP_NAME_MAX + 1];
	char interface[VRRP_IFNAME_SIZE]; /* where the address is: the macvlan's name with a virtual MAC */
	int ifindex; /* a guess when the interface was made anew; the name decides then */
	struct vrrp_address address;
};
/* 0, also when held already. Replaces what is held under the same address and index, or address and interface name. -ENOSPC;
 * -EINVAL for what no reader would believe. */
int vrrp_ward_hold(struct vrrp_ward *ward, const struct vrrp_held *held);
void vrrp_ward_drop(struct vrrp_ward *ward, int ifindex, const struct net_addr *addr);
/* Walk: *cursor begins with 0; false at the end. Entries may be dropped meanwhile. */
bool vrrp_ward_next_held(const struct vrrp_ward *ward, size_t *cursor, struct vrrp_held *out);

/* A macvlan that we made. 0, -ENOSPC or -EINVAL; replaces what has the same name or index. */
int vrrp_ward_add_link(struct vrrp_ward *ward, const char *name, int ifindex);
void vrrp_ward_drop_link(struct vrrp_ward *ward, int ifindex);
bool vrrp_ward_next_link(
	const struct vrrp_ward *ward, size_t *cursor, char name[VRRP_IFNAME_SIZE], int *ifindex);

/* The last words of a virtual router that is Active: its advert with priority 0, ready to be sent. */
struct vrrp_farewell {
	int ifindex;
	uint8_t family, vrid;
	struct net_addr source;
	uint8_t mac[6];                        /* source of the multicast frame */
	struct net_addr peers[VRRP_PEERS_MAX]; /* none: multicast */
	size_t peer_count;
	uint8_t payload[VRRP_ADVERT_MAX]; /* its checksum is that for the first peer, or the group */
	size_t len;
};
/* Keyed by (ifindex, family, vrid): set replaces; there is always one or the other. 0; -ENOSPC; -EINVAL for what no reader
 * would believe (a priority other than 0, a peer of another family). */
int vrrp_ward_set_farewell(struct vrrp_ward *ward, const struct vrrp_farewell *farewell);
void vrrp_ward_clear_farewell(struct vrrp_ward *ward, int ifindex, uint8_t family, uint8_t vrid);
bool vrrp_ward_next_farewell(const struct vrrp_ward *ward, size_t *cursor, struct vrrp_farewell *out);

/* The units that are Active, with the time (CLOCK_BOOTTIME, ns) of their last advert and how long from it nobody else may
 * take over (ns). Cheap: called for every advert. */
void vrrp_ward_advertised(struct vrrp_ward *ward, const char *unit, int64_t boottime_ns, int64_t safe_ns);
void vrrp_ward_not_active(struct vrrp_ward *ward, const char *unit);
/* Is it marked Active, and since when silent? false: no. */
bool vrrp_ward_was_active(
	const struct vrrp_ward *ward, const char *unit, int64_t *advertised_boottime_ns, int64_t *safe_ns);

/* Farewells were sent: from now on others may take over, so every unit's safe_ns is 0. The guard's, between two speakers. */
void vrrp_ward_unsafe(struct vrrp_ward *ward);

/* What the guard has to know when the speaker died. resume: a new speaker goes on as Active, so no farewell. claimed: the
 * new speaker has looked after everything that is held; cleared by the guard before it starts one. */
void vrrp_ward_set_resume(struct vrrp_ward *ward, bool resume);
bool vrrp_ward_resume(const struct vrrp_ward *ward);
void vrrp_ward_set_claimed(struct vrrp_ward *ward, bool claimed);
bool vrrp_ward_claimed(const struct vrrp_ward *ward);

#endif
