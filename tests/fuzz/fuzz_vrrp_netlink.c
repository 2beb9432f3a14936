/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rtnetlink says of links and addresses, and the copy made of it. Input: records, each one byte of what is done (0..3 a
 * message: bit 0 as a part of a listing; 4 a listing begins; 5 it ends; 6 we add, 7 we remove the last address heard of;
 * 8 we remove the last link; 9 that address is gone, 10 is there, as the kernel answered), then for a message two bytes of
 * its length, little endian, and its bytes. The copy must stay sorted and what it says must be what was put in.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vrrp/vrrp_net_copy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct vrrp_net_copy *copy)
{
	for (size_t i = 0; i < copy->count; i++) {
		const struct vrrp_net_link *link = copy->links[i];

		if (link->link.ifindex <= 0 || (i && copy->links[i - 1]->link.ifindex >= link->link.ifindex))
			abort();
		if (!link->link.name[0] || !memchr(link->link.name, 0, sizeof(link->link.name)) ||
			!memchr(link->alias, 0, sizeof(link->alias)))
			abort();
		if (link->link.parent < 0 || link->link.parent == link->link.ifindex ||
			link->link.active_slave < 0)
			abort();
		for (size_t n = 0; n < link->count; n++) {
			const struct vrrp_net_address *a = &link->addresses[n];

			if ((a->usable && !a->present) || (!a->present && !a->removals))
				abort();
		}
	}
}

/* One message in memory of its very size. */
static void feed(struct vrrp_net_copy *copy, const uint8_t *bytes, size_t len, bool listed,
	struct vrrp_net_message *message)
{
	struct nlmsghdr *head = malloc(len < sizeof(*head) ? sizeof(*head) : len);
	char old_name[VRRP_IFNAME_SIZE];
	enum vrrp_net_change change;

	if (!head)
		return;
	memset(head, 0, sizeof(*head));
	memcpy(head, bytes, len);
	head->nlmsg_len = (uint32_t)len; /* as the kernel's and libnl's framing guarantees */
	vrrp_net_parse(head, message);
	free(head);
	if (vrrp_net_copy_put(copy, message, listed, &change, old_name))
		return;
	if (message->kind == VRRP_NET_LINK && message->gone &&
		vrrp_net_copy_link(copy, message->link.ifindex))
		abort();
	if (message->kind == VRRP_NET_LINK && listed && !message->gone &&
		!vrrp_net_copy_link_named(copy, message->link.name))
		abort();
}

static void end_listing(struct vrrp_net_copy *copy)
{
	struct vrrp_net_message gone;

	while (vrrp_net_copy_sweep(copy, &gone))
		check(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vrrp_net_copy copy = {};
	struct vrrp_net_message message = {};
	struct vrrp_net_message address = {.ifindex = 1};
	int link = 1;

	while (size > 0) {
		unsigned what = data[0] % 11;

		data++;
		size--;
		if (what < 4) {
			size_t len = size < 2 ? 0 : (size_t)data[0] | (size_t)data[1] << 8;

			if (size < 2)
				break;
			data += 2;
			size -= 2;
			if (len > size)
				len = size;
			feed(&copy, data, len, what & 1, &message);
			data += len;
			size -= len;
			if (message.kind == VRRP_NET_ADDRESS)
				address = message;
			else if (message.kind == VRRP_NET_LINK)
				link = message.link.ifindex;
		} else if (what == 4) {
			vrrp_net_copy_list(&copy);
		} else if (what == 5) {
			end_listing(&copy);
		} else if (what == 6) {
			vrrp_net_copy_added(&copy, address.ifindex, &address.address);
		} else if (what == 7) {
			vrrp_net_copy_removed(&copy, address.ifindex, &address.address);
		} else if (what == 9) {
			vrrp_net_copy_is_gone(&copy, address.ifindex, &address.address);
		} else if (what == 10) {
			vrrp_net_copy_is_there(&copy, &address);
		} else {
			vrrp_net_copy_link_removed(&copy, link);
		}
		check(&copy);
	}
	vrrp_net_copy_clear(&copy);
	return 0;
}
