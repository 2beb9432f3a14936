/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_router.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vrrp/vrrp_frame.h"

const struct vrrp_address *vrrp_router_addresses(const struct vrrp_router *router, size_t *count)
{
	const struct vrrp_instance *c = router->conf;

	if (count)
		*count = router->family == AF_INET ? c->ipv4_count : c->ipv6_count;
	return router->family == AF_INET ? c->addresses : c->addresses + c->ipv4_count;
}

static bool is_link_local(const uint8_t *bytes)
{
	return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
}

/* RFC 9568 section 5.2.9: the first IPv6 address is the link-local one of the virtual router. Without one in the config
 * it is the one that belongs to the virtual MAC. */
static void derive_link_local(uint8_t vrid, uint8_t out[16])
{
	memset(out, 0, 16);
	memcpy(out, (const uint8_t[]){0xfe, 0x80}, 2);
	memcpy(out + 8, (const uint8_t[]){0x02, 0x00, 0x5e, 0xff, 0xfe, 0x00, 0x02, vrid}, 8);
}

/* Address bytes as an advert carries them; returns how many addresses. */
static size_t list_addresses(const struct vrrp_router *router, uint8_t out[16 * VRRP_COUNT_MAX])
{
	size_t count, width = router->family == AF_INET ? 4 : 16, n = 0, first = 0;
	const struct vrrp_address *list = vrrp_router_addresses(router, &count);

	if (router->family == AF_INET6) {
		while (first < count && !is_link_local(list[first].addr.bytes))
			first++;
		if (first < count)
			memcpy(out, list[first].addr.bytes, 16);
		else
			derive_link_local(router->conf->vrid, out);
		n = 1;
	} else {
		first = count;
	}
	for (size_t i = 0; i < count && n < VRRP_COUNT_MAX; i++)
		if (i != first)
			memcpy(out + width * n++, list[i].addr.bytes, width);
	return n;
}

static int encode(
	const struct vrrp_router *router, uint8_t priority, const struct net_addr *destination, uint8_t *buf)
{
	uint8_t addresses[16 * VRRP_COUNT_MAX];
	const struct vrrp_instance *c = router->conf;
	struct vrrp_ip ip = {.source = router->source, .destination = *destination, .ttl = VRRP_TTL};
	struct vrrp_advert advert = {.version = c->version,
		.vrid = c->vrid,
		.priority = priority,
		.count = (uint8_t)list_addresses(router, addresses),
		.interval_ms = c->interval_ms,
		.family = router->family,
		.addresses = addresses};
	bool two_forms = c->version == 3 && router->family == AF_INET;

	return vrrp_packet_encode(&advert, &ip,
		!two_forms ? VRRP_FORM_ONLY
			   : (c->checksum == VRRP_CHECKSUM_RFC9568 ? VRRP_FORM_RFC9568 : VRRP_FORM_LEGACY),
		buf, VRRP_ADVERT_MAX);
}

static int send_to_group(struct vrrp_router *router, uint8_t priority)
{
	uint8_t payload[VRRP_ADVERT_MAX], frame[VRRP_FRAME_MAX];
	struct net_addr group = vrrp_packet_group(router->family);
	int len = encode(router, priority, &group, payload);

	if (len > 0)
		len = vrrp_frame_advert(
			router->mac, &router->source, payload, (size_t)len, frame, sizeof(frame));
	return len < 0 ? len : vrrp_tx_frame(router->tx, router->ifindex, frame, (size_t)len);
}

/* One file serves all nodes, so a peer may be this node itself. */
static bool is_other(const struct vrrp_router *router, const struct net_addr *peer)
{
	return peer->family == router->family && !addr_equal(peer, &router->source);
}

static int send_to_peers(struct vrrp_router *router, uint8_t priority)
{
	uint8_t payload[VRRP_ADVERT_MAX];
	int first = 0;

	for (size_t i = 0; i < router->conf->peer_count; i++) {
		const struct net_addr *peer = &router->conf->peers[i];
		int rc;

		if (!is_other(router, peer))
			continue;
		rc = encode(router, priority, peer, payload);
		if (rc > 0)
			rc = vrrp_tx_unicast(
				router->tx, router->ifindex, &router->source, peer, payload, (size_t)rc);
		if (rc && !first)
			router->send_to = *peer;
		first = first ? first : rc;
	}
	return first;
}

int vrrp_router_advertise(struct vrrp_router *router, uint8_t priority)
{
	int rc;

	router->send_to.family = AF_UNSPEC;
	rc = router->source.family == AF_UNSPEC ? -EADDRNOTAVAIL
	     : router->conf->peer_count         ? send_to_peers(router, priority)
						: send_to_group(router, priority);
	router->send_error = rc;
	router->n.sent += rc == 0;
	router->n.sent_zero += rc == 0 && priority == 0;
	router->n.send_failed += rc != 0;
	return rc;
}

const char *vrrp_router_why_unsent(int err, char *out, size_t size)
{
	snprintf(out, size, "%s%s", err ? strerror(-err) : "",
		err == -EPERM     ? " (a firewall of this host refuses them)"
		: err == -ENOBUFS ? " (the interface's queue is full, or a filter on it drops them)"
				  : "");
	return out;
}

const char *vrrp_router_send_trouble(const struct vrrp_router *router, char *out, size_t size)
{
	char to[ADDR_TEXT_MAX], why[160];

	vrrp_router_why_unsent(router->send_error, why, sizeof(why));
	if (router->send_error && router->send_to.family != AF_UNSPEC)
		snprintf(out, size, "%s: %s", addr_format(&router->send_to, to), why);
	else
		snprintf(out, size, "%s", why);
	return out;
}

int vrrp_router_announce(struct vrrp_router *router)
{
	uint8_t frame[VRRP_ANNOUNCE_MAX];
	size_t count;
	const struct vrrp_address *list = vrrp_router_addresses(router, &count);
	int first = 0;

	for (size_t i = 0; i < count; i++) {
		size_t len = vrrp_frame_announce(&list[i].addr, router->mac, true, frame);
		int rc = vrrp_tx_frame(router->tx, router->ifindex, frame, len);

		router->n.announced += rc == 0;
		router->n.announce_failed += rc != 0;
		first = first ? first : rc;
	}
	return first;
}

int vrrp_router_farewell(const struct vrrp_router *router, struct vrrp_farewell *out)
{
	struct net_addr destination = vrrp_packet_group(router->family);
	int len;

	if (router->source.family == AF_UNSPEC)
		return -EAGAIN;
	memset(out, 0, sizeof(*out));
	out->ifindex = router->ifindex;
	out->family = router->family;
	out->vrid = router->conf->vrid;
	out->source = router->source;
	memcpy(out->mac, router->mac, 6);
	for (size_t i = 0; i < router->conf->peer_count; i++)
		if (is_other(router, &router->conf->peers[i]))
			out->peers[out->peer_count++] = router->conf->peers[i];
	/* The guard makes the bytes for the other peers of these. */
	if (out->peer_count)
		destination = out->peers[0];
	len = encode(router, 0, &destination, out->payload);
	out->len = len > 0 ? (size_t)len : 0;
	return len > 0 ? 0 : len;
}

/* ---- receiving ---- */

static bool is_peer(const struct vrrp_instance *c, const struct net_addr *addr)
{
	for (size_t i = 0; i < c->peer_count; i++)
		if (addr_equal(&c->peers[i], addr))
			return true;
	return false;
}

/* Does the advert list other addresses than ours? In any order; IPv6 link-local ones are each speaker's own affair. */
static bool addresses_differ(const struct vrrp_router *router, const struct vrrp_advert *advert)
{
	size_t count, width = router->family == AF_INET ? 4 : 16, theirs = 0, ours = 0;
	const struct vrrp_address *list = vrrp_router_addresses(router, &count);

	for (size_t i = 0; i < advert->count; i++) {
		const uint8_t *bytes = advert->addresses + width * i;
		bool found = false;

		if (width == 16 && is_link_local(bytes))
			continue;
		theirs++;
		for (size_t k = 0; k < count && !found; k++)
			found = memcmp(list[k].addr.bytes, bytes, width) == 0;
		if (!found)
			return true;
	}
	for (size_t k = 0; k < count; k++)
		ours += width == 4 || !is_link_local(list[k].addr.bytes);
	return ours != theirs;
}

static enum vrrp_discard refuse(
	const struct vrrp_router *router, const struct vrrp_advert *advert, const struct vrrp_ip *ip)
{
	const struct vrrp_instance *c = router->conf;
	struct net_addr group = vrrp_packet_group(router->family);
	bool to_group = addr_equal(&ip->destination, &group);

	if (advert->version != c->version)
		return VRRP_DISCARD_OTHER_VERSION;
	if (to_group != (c->peer_count == 0))
		return VRRP_DISCARD_DESTINATION;
	if (router->source.family != AF_UNSPEC && addr_equal(&ip->source, &router->source))
		return VRRP_DISCARD_OWN;
	if (c->peer_count && !is_peer(c, &ip->source))
		return VRRP_DISCARD_PEER;
	return VRRP_OK;
}

enum vrrp_discard vrrp_router_judge(struct vrrp_router *router, const struct vrrp_advert *advert,
	const struct vrrp_ip *ip, enum vrrp_checksum_form form, int64_t now, struct vrrp_heard *heard)
{
	enum vrrp_discard reason = refuse(router, advert, ip);

	if (reason != VRRP_OK) {
		router->n.discarded[reason]++;
		return reason;
	}
	router->n.received++;
	router->n.received_zero += advert->priority == 0;
	router->n.received_legacy += form == VRRP_FORM_LEGACY;
	router->n.received_rfc += form == VRRP_FORM_RFC9568;
	router->interval_differs = advert->interval_ms != router->conf->interval_ms;
	router->addresses_differ = addresses_differ(router, advert);
	router->n.interval_mismatch += router->interval_differs;
	router->n.address_mismatch += router->addresses_differ;
	router->heard_from = ip->source;
	router->heard_priority = advert->priority;
	router->heard_interval_ms = advert->interval_ms;
	router->heard_at = now;
	*heard = (struct vrrp_heard){.priority = advert->priority,
		.interval_ns = (int64_t)advert->interval_ms * 1000000,
		.tie = memcmp(ip->source.bytes, router->source.bytes, 16),
		.leading = router->family == AF_INET || router->conf->ipv4_count == 0,
		.age_ns = ip->age_ns};
	return VRRP_OK;
}

const struct vrrp_router *vrrp_router_later(const struct vrrp_router *first, const struct vrrp_router *second)
{
	int64_t ahead;

	if (!second || second->heard_at == VRRP_NEVER)
		return first && first->heard_at != VRRP_NEVER ? first : NULL;
	if (!first || first->heard_at == VRRP_NEVER)
		return second;
	ahead = second->heard_at - first->heard_at;
	if (ahead > (int64_t)first->conf->interval_ms * 1000000)
		return second;
	return ahead > 0 && second->heard_priority != first->heard_priority ? second : first;
}
