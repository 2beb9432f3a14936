/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's links and addresses, through libnl-3 (only vrrp_net*.c include it): what there is, every change, and the
 * changes the speaker makes: addresses, macvlan devices, the sysctls these need. Knows no instance; judges nothing.
 *
 * What is asked is answered from a copy that follows rtnetlink in the event loop and is read anew when the kernel says
 * that messages were lost. What is changed goes over a second socket, is acknowledged before the call returns and is in
 * the copy at once; ops hear of it later like of any change, but for a removal that was taken back since.
 */
#ifndef TANDEM_VRRP_NET_H
#define TANDEM_VRRP_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "vrrp/vrrp_model.h"

struct ev_loop;
struct vrrp_net;

struct vrrp_link {
	char name[VRRP_IFNAME_SIZE];
	int ifindex;
	bool ethernet;
	bool up;      /* IFF_UP */
	bool carrier; /* IFF_LOWER_UP, and operstate is up or unknown; a bond or VLAN has it from what is below */
	uint8_t mac[6];
	int active_slave; /* of an active-backup bond: its ifindex, else 0 */
	int parent;       /* VLAN, macvlan: the device below in this namespace, else 0 */
};

struct vrrp_net_ops {
	/* A link came, changed or went (gone: only name and ifindex are good). */
	void (*link)(void *data, const struct vrrp_link *link, bool gone);
	/* An address came, became usable (IPv6: no longer tentative), or went. */
	void (*address)(void *data, int ifindex, const struct vrrp_address *address, bool gone);
	/* Messages were lost and all has been read again: look at everything. */
	void (*resync)(void *data);
};

/* Reads everything before it returns (-ETIMEDOUT after 5 s); ops are called from the loop only. ops, data and loop must
 * outlive it. 0, or -errno (logged). */
int vrrp_net_open(struct vrrp_net **out, struct ev_loop *loop, const struct vrrp_net_ops *ops, void *data);
void vrrp_net_close(struct vrrp_net *net);

/* Read now what the kernel has to say (calls ops), without waiting: before something is decided after a pause. */
void vrrp_net_drain(struct vrrp_net *net);

/* The link by name or index, NULL when there is none; valid until the loop runs again. */
const struct vrrp_link *vrrp_net_link(const struct vrrp_net *net, const char *name);
const struct vrrp_link *vrrp_net_link_at(const struct vrrp_net *net, int ifindex);

/* Usable addresses of a link in the kernel's order (IPv4: primary ones first; IPv6: not tentative, not failed). visit
 * returns false to end. */
void vrrp_net_each_address(const struct vrrp_net *net, int ifindex,
	bool (*visit)(void *data, const struct vrrp_address *address), void *data);
bool vrrp_net_has_address(const struct vrrp_net *net, int ifindex, const struct net_addr *addr);

enum vrrp_address_flags {
	VRRP_ADDRESS_NO_ROUTE = 1, /* without a route for its prefix (IFA_F_NOPREFIXROUTE) */
};

/*
 * Add an address: IPv6 without DAD (IFA_F_NODAD), not preferred as a source (preferred_lft 0 would deprecate it, so IPv6
 * gets that; IPv4 is added after the primary). 0: it was added, 1: it was there already; else -errno, not logged.
 */
int vrrp_net_add_address(
	struct vrrp_net *net, int ifindex, const struct vrrp_address *address, unsigned flags);

/* Let the kernel take a present address away by itself after that many seconds (valid_lft), 0: keep it for ever. 0 or
 * -errno, not logged. */
int vrrp_net_expire_address(struct vrrp_net *net, int ifindex, const struct vrrp_address *address,
	unsigned flags, uint32_t after_s);

/* Take it away. 0 also when it is not there; else -errno, not logged. When an IPv4 primary goes, the kernel would take
 * its secondaries along: promote_secondaries is set on the link first. */
int vrrp_net_remove_address(struct vrrp_net *net, int ifindex, const struct vrrp_address *address);

/*
 * A macvlan (mode vepa) on parent with that MAC, with the sysctls that make the kernel answer ARP for its addresses
 * with its MAC only, and the parent silent for them (vrrp_net_macvlan.c says which and why). It is made down, so that
 * nothing is sent or taken with the virtual MAC; its first vrrp_net_add_address() brings it up and the
 * vrrp_net_remove_address() of its last one takes it down. One that is there with
 * that name, parent and MAC is taken over as it is, one with another parent or MAC is replaced. *ifindex is its index.
 * 0 or -errno (-EOPNOTSUPP: no macvlan in this kernel; -EEXIST: a device of another kind has the name; -EBUSY: the
 * parent is a bridge's port, or has a macvlan with that MAC).
 */
int vrrp_net_add_macvlan(
	struct vrrp_net *net, int parent, const char *name, const uint8_t mac[6], int *ifindex);

/* Up or down; 0 or -errno. For a macvlan add and remove do it; one with many addresses may be made down before the first
 * of them is removed (its IPv6 addresses go by themselves, and removing them is 0). */
int vrrp_net_set_up(struct vrrp_net *net, int ifindex, bool up);

/* Look at all these settings, and put right what another program changed meanwhile, or made forwarding on the parent.
 * Returns how many were put right; which: the first of them and how it was changed, else "". Costs some 0.1 ms; to look
 * takes no lock of the kernel's that others may hold for long. */
size_t vrrp_net_keep_macvlan(const struct vrrp_net *net, int ifindex, char *which, size_t which_size);

/* Remove a macvlan, and put the parent's sysctls back with the last one. 0 also when it is not there; -EPERM when it is no
 * macvlan; else -errno. */
int vrrp_net_remove_link(struct vrrp_net *net, int ifindex);

#endif
