/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rtnetlink message about a link or an address to what the speaker keeps of it. Pure: bytes in, struct out; believes
 * no length. Constants from the kernel's UAPI, attributes through libnl-3. */
#ifndef TANDEM_VRRP_NET_PARSE_H
#define TANDEM_VRRP_NET_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "vrrp/vrrp_net.h"

#define VRRP_NET_ALIAS_SIZE 256 /* IFALIASZ */

struct nlmsghdr;

enum vrrp_net_kind { VRRP_NET_NOTHING, VRRP_NET_LINK, VRRP_NET_ADDRESS };

struct vrrp_net_message {
	enum vrrp_net_kind kind; /* NOTHING: it is about something else, or broken: the rest is not filled */
	bool gone;
	/* LINK. A gone one has a name and an ifindex only. */
	struct vrrp_link link;
	bool macvlan, vepa_mode;
	char alias[VRRP_NET_ALIAS_SIZE];
	/* ADDRESS */
	int ifindex;
	struct vrrp_address address; /* our own end, where there is another */
	bool usable;                 /* neither tentative nor failed */
	bool secondary;              /* IPv4 only */
};

/* head is followed by at least head->nlmsg_len bytes, or less than a header is claimed. */
void vrrp_net_parse(struct nlmsghdr *head, struct vrrp_net_message *out);

#endif
