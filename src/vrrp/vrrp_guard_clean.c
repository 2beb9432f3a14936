/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_guard_clean.h"

#include <errno.h>
#include <ev.h>
#include <string.h>

#include "common/log.h"
#include "vrrp/vrrp_frame.h"
#include "vrrp/vrrp_net.h"
#include "vrrp/vrrp_packet.h"
#include "vrrp/vrrp_sock.h"

void vrrp_guard_tools_open(struct vrrp_guard_tools *tools)
{
	int err = tools->tx ? 0 : vrrp_tx_open(&tools->tx);

	if (err)
		log_warn("guard: cannot say goodbye for a speaker that dies: %s (needs CAP_NET_RAW)",
			strerror(-err));
}

void vrrp_guard_tools_close(struct vrrp_guard_tools *tools)
{
	if (tools->tx)
		vrrp_tx_close(tools->tx);
	*tools = (struct vrrp_guard_tools){};
}

static void count(struct vrrp_guard_done *done, int err)
{
	if (err) {
		done->failed++;
		done->error = err;
	} else {
		done->done++;
	}
}

/* ---- farewells ---- */

static int send_multicast(struct vrrp_tx *tx, const struct vrrp_farewell *f)
{
	static uint8_t frame[VRRP_FRAME_MAX];
	int len = vrrp_frame_advert(f->mac, &f->source, f->payload, f->len, frame, sizeof(frame));

	return len < 0 ? len : vrrp_tx_frame(tx, f->ifindex, frame, (size_t)len);
}

/* The checksum of most forms covers the destination, so each peer gets bytes of its own. */
static int send_unicast(struct vrrp_tx *tx, const struct vrrp_farewell *f, const struct vrrp_advert *advert,
	enum vrrp_checksum_form form)
{
	static uint8_t payload[VRRP_ADVERT_MAX];
	struct vrrp_ip ip = {.source = f->source, .ttl = VRRP_TTL};
	int err = 0;

	for (size_t i = 0; i < f->peer_count; i++) {
		int len, failed;

		ip.destination = f->peers[i];
		len = vrrp_packet_encode(advert, &ip, form, payload, sizeof(payload));
		failed = len < 0 ? len
				 : vrrp_tx_unicast(
					   tx, f->ifindex, &f->source, &f->peers[i], payload, (size_t)len);
		err = failed ? failed : err;
	}
	return err;
}

static int send_farewell(struct vrrp_tx *tx, const struct vrrp_farewell *f)
{
	struct vrrp_ip ip = {.source = f->source,
		.destination = f->peer_count ? f->peers[0] : vrrp_packet_group(f->family),
		.ttl = VRRP_TTL};
	enum vrrp_checksum_form form;
	struct vrrp_advert advert;

	if (vrrp_packet_decode(f->payload, f->len, &ip, &advert, &form) != VRRP_OK || advert.priority != 0)
		return -EBADMSG;
	return f->peer_count ? send_unicast(tx, f, &advert, form) : send_multicast(tx, f);
}

struct vrrp_guard_done vrrp_guard_say_farewell(
	struct vrrp_guard_tools *tools, struct vrrp_ward *ward, bool alone)
{
	static struct vrrp_farewell farewell;
	struct vrrp_guard_done done = {};
	size_t cursor = 0;

	vrrp_guard_tools_open(tools);
	while (vrrp_ward_next_farewell(ward, &cursor, &farewell))
		count(&done, tools->tx ? send_farewell(tools->tx, &farewell) : -EBADF);
	if (!alone)
		return done;
	for (cursor = 0; vrrp_ward_next_farewell(ward, &cursor, &farewell);)
		vrrp_ward_clear_farewell(ward, farewell.ifindex, farewell.family, farewell.vrid);
	vrrp_ward_unsafe(ward);
	return done;
}

/* ---- addresses and links ---- */

static void nothing_linked(void *data, const struct vrrp_link *link, bool gone) {}

static void nothing_addressed(void *data, int ifindex, const struct vrrp_address *address, bool gone) {}

static void nothing(void *data) {}

/* An interface that was made anew keeps its name only, one that was renamed its index only. */
static int remove_address(struct vrrp_net *net, const struct vrrp_held *held)
{
	const struct vrrp_link *named = vrrp_net_link(net, held->interface);
	const struct vrrp_link *numbered = vrrp_net_link_at(net, held->ifindex);
	int err = named ? vrrp_net_remove_address(net, named->ifindex, &held->address) : 0, other = 0;

	if (numbered && numbered != named)
		other = vrrp_net_remove_address(net, numbered->ifindex, &held->address);
	return err ? err : other;
}

static void remove_links(struct vrrp_net *net, struct vrrp_ward *ward, struct vrrp_guard_done *done)
{
	char name[VRRP_IFNAME_SIZE];
	size_t cursor = 0;
	int ifindex, err;

	while (vrrp_ward_next_link(ward, &cursor, name, &ifindex)) {
		const struct vrrp_link *link = vrrp_net_link(net, name);

		err = link && link->ifindex == ifindex ? vrrp_net_remove_link(net, ifindex) : 0;
		count(done, err);
		if (!err)
			vrrp_ward_drop_link(ward, ifindex);
	}
}

static void remove_all(struct vrrp_net *net, struct vrrp_ward *ward, bool alone, struct vrrp_guard_done *done)
{
	struct vrrp_held held;
	size_t cursor = 0;

	while (vrrp_ward_next_held(ward, &cursor, &held)) {
		int err = remove_address(net, &held);

		count(done, err);
		if (!err && alone)
			vrrp_ward_drop(ward, held.ifindex, &held.address.addr);
	}
	if (alone)
		remove_links(net, ward, done);
}

struct vrrp_guard_done vrrp_guard_remove(struct vrrp_ward *ward, bool alone)
{
	static const struct vrrp_net_ops ops = {
		.link = nothing_linked, .address = nothing_addressed, .resync = nothing};
	struct vrrp_guard_done done = {};
	struct ev_loop *loop = ev_loop_new(EVFLAG_NOENV);
	struct vrrp_net *net = NULL;
	int err = loop ? vrrp_net_open(&net, loop, &ops, NULL) : -ENOMEM;

	if (err)
		count(&done, err);
	else
		remove_all(net, ward, alone, &done);
	if (net)
		vrrp_net_close(net);
	if (loop)
		ev_loop_destroy(loop);
	return done;
}

bool vrrp_guard_is_needed(const struct vrrp_ward *ward)
{
	static struct vrrp_farewell farewell;
	char name[VRRP_IFNAME_SIZE];
	struct vrrp_held held;
	size_t cursors[3] = {};
	int ifindex;

	return vrrp_ward_next_held(ward, &cursors[0], &held) ||
	       vrrp_ward_next_link(ward, &cursors[1], name, &ifindex) ||
	       vrrp_ward_next_farewell(ward, &cursors[2], &farewell);
}
