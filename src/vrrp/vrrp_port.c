/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"

#define LOG_EVERY_NS 10000000000LL /* what a stranger can cause is logged at most that often */

static void log_discard(struct vrrp_port *port, const struct vrrp_ip *ip, enum vrrp_discard reason)
{
	char from[ADDR_TEXT_MAX];
	int64_t now = vrrp_now();

	if (port->logged_at && now - port->logged_at < LOG_EVERY_NS) {
		port->unlogged++;
		return;
	}
	log_warn("%s: an advert of %s was discarded: %s (%llu more since the last such line)",
		port->interface, addr_format(&ip->source, from), vrrp_discard_name(reason),
		(unsigned long long)port->unlogged);
	port->logged_at = now;
	port->unlogged = 0;
}

static bool may_log(int64_t *logged_at, int64_t now)
{
	if (*logged_at && now - *logged_at < LOG_EVERY_NS)
		return false;
	*logged_at = now;
	return true;
}

/* Accepted all the same: the two configs are not alike. */
static void log_difference(struct vrrp_port *port, const struct vrrp_router *router)
{
	char from[ADDR_TEXT_MAX];

	if (!may_log(&port->differs_logged_at, router->heard_at))
		return;
	addr_format(&router->heard_from, from);
	if (router->interval_differs)
		log_warn("%s: %s advertises every %u ms, the config here says %u ms", router->conf->name,
			from, router->heard_interval_ms, router->conf->interval_ms);
	if (router->addresses_differ)
		log_warn("%s: %s advertises other addresses than the config here has", router->conf->name,
			from);
}

/* Somebody who yields says so once more, which is no conflict: it takes two, in a down interval. */
static void log_conflict(struct vrrp_port *port, const struct vrrp_unit *unit,
	const struct vrrp_router *router, int64_t heard_before)
{
	char from[ADDR_TEXT_MAX];

	if (unit->fsm.state != VRRP_ACTIVE || !router->heard_priority || heard_before == VRRP_NEVER ||
		heard_before <= unit->fsm.since ||
		router->heard_at - heard_before > vrrp_fsm_down_interval(&unit->fsm) ||
		!may_log(&port->conflict_logged_at, router->heard_at))
		return;
	log_warn("%s: %s (priority %u) advertises as well: two nodes are active", router->conf->name,
		addr_format(&router->heard_from, from), router->heard_priority);
}

static void on_packet(void *data, const uint8_t *payload, size_t len, const struct vrrp_ip *ip)
{
	struct vrrp_port *port = data;
	struct vrrp_advert advert;
	struct vrrp_heard heard;
	enum vrrp_checksum_form form;
	enum vrrp_discard reason = vrrp_packet_decode(payload, len, ip, &advert, &form);
	struct vrrp_unit *unit = NULL;
	struct vrrp_router *router;
	bool differed;
	int64_t heard_before;

	port->received++;
	if (reason == VRRP_OK)
		unit = port->of[advert.vrid].unit;
	if (reason == VRRP_OK && !unit)
		reason = VRRP_DISCARD_VRID;
	if (reason != VRRP_OK) {
		port->discarded[reason]++;
		/* Another pair on this link is no news. */
		if (reason != VRRP_DISCARD_VRID)
			log_discard(port, ip, reason);
		return;
	}
	router = &unit->members[port->of[advert.vrid].member].routers[port->of[advert.vrid].router];
	differed = router->interval_differs || router->addresses_differ;
	heard_before = router->heard_at;
	reason = vrrp_router_judge(router, &advert, ip, form, vrrp_now(), &heard);
	if (reason == VRRP_OK) {
		vrrp_unit_heard(unit, port->of[advert.vrid].member, &heard);
		if (!differed && (router->interval_differs || router->addresses_differ))
			log_difference(port, router);
		log_conflict(port, unit, router, heard_before);
	} else if (reason != VRRP_DISCARD_OWN) {
		log_discard(port, ip, reason);
	}
}

static struct vrrp_port *find(struct vrrp_speaker *s, const char *interface, uint8_t family)
{
	struct vrrp_port *port;

	for (port = s->ports; port; port = port->next)
		if (port->family == family && strcmp(port->interface, interface) == 0)
			return port;
	port = calloc(1, sizeof(*port));
	if (!port)
		return NULL;
	snprintf(port->interface, sizeof(port->interface), "%s", interface);
	port->family = family;
	port->speaker = s;
	port->next = s->ports;
	s->ports = port;
	return port;
}

static void assign_unit(struct vrrp_speaker *s, struct vrrp_unit *unit)
{
	for (size_t m = 0; m < unit->member_count; m++)
		for (size_t r = 0; r < unit->members[m].router_count; r++) {
			const struct vrrp_instance *c = unit->members[m].conf;
			struct vrrp_port *port = find(s, c->interface, unit->members[m].routers[r].family);

			if (!port) {
				log_error("%s: out of memory, it hears nothing on %s", unit->name,
					c->interface);
				unit->members[m].routers[r].hear_error = -ENOMEM;
				continue;
			}
			port->wanted = true;
			port->of[c->vrid].unit = unit;
			port->of[c->vrid].member = (uint16_t)m;
			port->of[c->vrid].router = (uint8_t)r;
		}
}

static void shut(struct vrrp_port *port)
{
	if (port->rx)
		vrrp_rx_close(port->rx);
	port->rx = NULL;
	port->ifindex = 0;
}

void vrrp_port_assign(struct vrrp_speaker *s)
{
	for (struct vrrp_port *port = s->ports; port; port = port->next) {
		memset(port->of, 0, sizeof(port->of));
		port->wanted = false;
	}
	for (size_t i = 0; i < s->unit_count; i++)
		assign_unit(s, s->units[i]);
	for (struct vrrp_port **at = &s->ports, *port; (port = *at);) {
		if (port->wanted) {
			at = &port->next;
			continue;
		}
		*at = port->next;
		shut(port);
		free(port);
	}
}

/* Who does not hear would believe that he is alone: vrrp_inst.c. */
static void tell_routers(const struct vrrp_port *port)
{
	for (size_t vrid = 0; vrid < sizeof(port->of) / sizeof(port->of[0]); vrid++)
		if (port->of[vrid].unit)
			port->of[vrid]
				.unit->members[port->of[vrid].member]
				.routers[port->of[vrid].router]
				.hear_error = port->rx ? 0 : port->open_error;
}

int vrrp_port_follow_links(struct vrrp_speaker *s)
{
	int failed = 0;

	for (struct vrrp_port *port = s->ports; port; port = port->next) {
		const struct vrrp_link *link = vrrp_net_link(s->shared.net, port->interface);
		int err;

		if (port->rx && (!link || link->ifindex != port->ifindex))
			shut(port);
		if (port->rx || !link) {
			tell_routers(port);
			continue;
		}
		err = vrrp_rx_open(
			&port->rx, s->loop, port->interface, link->ifindex, port->family, on_packet, port);
		if (err && err != port->open_error)
			log_error("%s: cannot listen for adverts of IPv%d: %s", port->interface,
				port->family == AF_INET ? 4 : 6, strerror(-err));
		port->open_error = err;
		failed = err ? err : failed;
		if (!err)
			port->ifindex = link->ifindex;
		tell_routers(port);
	}
	return failed;
}

void vrrp_port_close_all(struct vrrp_speaker *s)
{
	while (s->ports) {
		struct vrrp_port *port = s->ports;

		s->ports = port->next;
		shut(port);
		free(port);
	}
}
