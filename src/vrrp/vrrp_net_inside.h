/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the vrrp_net*.c files share: the follower's state, a question to the kernel that is answered at once, sysctls. */
#ifndef TANDEM_VRRP_NET_INSIDE_H
#define TANDEM_VRRP_NET_INSIDE_H

#include <ev.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "vrrp/vrrp_net_copy.h"

#define VRRP_NET_GROUP_SOCKETS 16

/* The solicited-node groups that are held until the kernel holds them: vrrp_net_group.c. */
struct vrrp_net_groups {
	struct ev_loop *loop;
	ev_timer over;
	int sockets[VRRP_NET_GROUP_SOCKETS]; /* a ring */
	unsigned
		opened; /* so many since there was none: those that are open, if it is not more than the ring has */
	bool empty; /* the newest has no group yet */
	int error;  /* of the last that was joined, logged; 0: none */
};

struct vrrp_net {
	struct ev_loop *loop;
	const struct vrrp_net_ops *ops;
	void *data;
	struct nl_sock *events, *changes;
	struct vrrp_net_copy copy;
	ev_io readable;
	ev_timer again_timer;
	uint32_t seq;    /* of the listing's question that is being answered */
	uint16_t asked;  /* RTM_GET*; 0: none */
	bool again;      /* the listing is worthless: ask once more */
	bool taking;     /* messages are being read */
	bool quiet;      /* within open: nobody is told */
	uint32_t change; /* sequence number of the last change */
	struct vrrp_net_groups groups;
};

/* A message about a link or address to the copy and, as far as it says something new, to ops. -ENOMEM: list anew. */
int vrrp_net_take(struct vrrp_net *net, const struct vrrp_net_message *message, bool listed);

/*
 * Send a message and wait for the kernel's answer, a second at most (the kernel answers within the send; the bound is for
 * the day it does not). Frees the message; NULL is -ENOMEM. answer: what is asked for (RTM_GET*), else NULL. 0 or -errno.
 */
int vrrp_net_request(struct vrrp_net *net, struct nl_msg *msg, struct vrrp_net_message *answer);

/* The link as it is now, asked of the kernel and taken into the copy, without telling ops: by name, or by index when name
 * is NULL. NULL with *err. */
struct vrrp_net_link *vrrp_net_look(struct vrrp_net *net, const char *name, int ifindex, int *err);

/* Hold the group of an address that is about to be added there (nothing for IPv4), a while. 0 or -errno (logged once): then the
 * address can be added all the same. leave: it is about to be removed. */
void vrrp_net_groups_init(struct vrrp_net_groups *groups, struct ev_loop *loop);
int vrrp_net_groups_join(struct vrrp_net_groups *groups, int ifindex, const struct net_addr *addr);
void vrrp_net_groups_leave(struct vrrp_net_groups *groups, int ifindex, const struct net_addr *addr);
void vrrp_net_groups_close(struct vrrp_net_groups *groups);

/* /proc/sys/net/FAMILY/conf/INTERFACE/KEY, family "ipv4" or "ipv6". 0 with *value; or -errno. set writes only when it has
 * another value. */
int vrrp_net_sysctl_get(const char *family, const char *interface, const char *key, int *value);
int vrrp_net_sysctl_set(const char *family, const char *interface, const char *key, int value);

#endif
