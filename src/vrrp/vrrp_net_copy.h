/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The copy of the kernel's links and addresses. Pure: fed with parsed messages, says what each one changed.
 *
 * Two streams feed it: what the kernel tells (in its order), and the speaker's own changes at the moment they are
 * acknowledged, so that what the speaker did is in the copy at once. What the kernel still has to tell of the time
 * before must then not undo it: a removal of ours swallows its own message and, until that has come, those before it.
 * What another program did between our changes is not told apart from ours: a moment may come in which an address looks gone
 * that is there. It ends with the kernel's next word, or when the speaker adds it and hears that it is there.
 */
#ifndef TANDEM_VRRP_NET_COPY_H
#define TANDEM_VRRP_NET_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_net_parse.h"

struct vrrp_net_address {
	struct vrrp_address address;
	bool present, usable, secondary;
	unsigned removals; /* ours, whose message is still to come */
	uint32_t listed;   /* number of the listing that ran, or had run, when it was last heard of */
};

struct vrrp_net_link {
	struct vrrp_link link;
	bool macvlan, vepa_mode;
	char alias[VRRP_NET_ALIAS_SIZE];
	bool removed; /* by us, its message is still to come */
	bool asked;   /* what we asked of the kernel is here already; the next message counts as news */
	uint32_t listed;
	struct vrrp_net_address *addresses; /* in the kernel's order */
	size_t count, room;
};

struct vrrp_net_copy {
	struct vrrp_net_link **links; /* by ifindex; each stays where it is until it is gone */
	size_t count, room;
	uint32_t listing; /* number of the listing that runs or ran last */
};

/* Zeroed is empty. */
void vrrp_net_copy_clear(struct vrrp_net_copy *copy);

/* NULL when there is none, or the speaker removed it. */
struct vrrp_net_link *vrrp_net_copy_link(const struct vrrp_net_copy *copy, int ifindex);
struct vrrp_net_link *vrrp_net_copy_link_named(const struct vrrp_net_copy *copy, const char *name);
const struct vrrp_net_address *vrrp_net_copy_address(
	const struct vrrp_net_copy *copy, int ifindex, const struct net_addr *addr);

enum vrrp_net_change {
	VRRP_NET_SAME,    /* nothing that anybody could see */
	VRRP_NET_CHANGED, /* came or changed: read it in the copy */
	VRRP_NET_RENAMED, /* changed, and *old_name is how it was called */
	VRRP_NET_GONE,    /* the message has what it was */
};

/* Take in one message. listed: it is part of the listing that runs. -ENOMEM leaves the copy as it was: list anew. */
int vrrp_net_copy_put(struct vrrp_net_copy *copy, const struct vrrp_net_message *message, bool listed,
	enum vrrp_net_change *change, char old_name[VRRP_IFNAME_SIZE]);

/* A listing begins: all that the kernel has told until now was put in, or is lost. It ended: take one thing out that was not
 * heard of since, as the message that would have told so (usable: an address that counted). false: no more. */
void vrrp_net_copy_list(struct vrrp_net_copy *copy);
bool vrrp_net_copy_sweep(struct vrrp_net_copy *copy, struct vrrp_net_message *gone);

/*
 * Ours, acknowledged; or refused, for it is gone already (what tells so is still to come, when it is in the copy), or is
 * there already (the message is the kernel's answer as to how). -ENOMEM is harmless: the kernel's message will tell.
 */
int vrrp_net_copy_added(struct vrrp_net_copy *copy, int ifindex, const struct vrrp_address *address);
void vrrp_net_copy_removed(struct vrrp_net_copy *copy, int ifindex, const struct vrrp_address *address);
void vrrp_net_copy_is_gone(struct vrrp_net_copy *copy, int ifindex, const struct vrrp_address *address);
int vrrp_net_copy_is_there(struct vrrp_net_copy *copy, const struct vrrp_net_message *message);
void vrrp_net_copy_link_removed(struct vrrp_net_copy *copy, int ifindex);

#endif
