/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From bytes to events: a speaker without sockets. Input: one byte of config, then steps, each an operation with what it
 * needs: time that passes, a timer, requests, other configs, and packets, which go the daemon's way: decoder, judgement by
 * the config, state machine.
 *
 * Must hold after each step: a packet that is discarded changes neither state nor timer; addresses are held exactly in
 * Active and Handover; only what is held is announced; every state but Initialize has a timer that will end.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vrrp/vrrp_checksum.h"
#include "vrrp/vrrp_router.h"

#define STEPS_MAX 512
#define MS        INT64_C(1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the router would send goes nowhere. */
int vrrp_tx_frame(struct vrrp_tx *tx, int ifindex, const uint8_t *frame, size_t len)
{
	return 0;
}

int vrrp_tx_unicast(struct vrrp_tx *tx, int ifindex, const struct net_addr *source,
	const struct net_addr *destination, const uint8_t *payload, size_t len)
{
	return 0;
}

struct speaker {
	struct vrrp_instance conf;
	struct vrrp_address addresses[2];
	struct vrrp_router routers[2]; /* IPv4, IPv6 */
	struct vrrp_fsm fsm;
	int64_t now;
	bool holds;
};

struct cursor {
	const uint8_t *at;
	size_t left;
};

static uint8_t byte_of(struct cursor *c)
{
	if (!c->left)
		return 0;
	c->left--;
	return *c->at++;
}

static void must(bool held)
{
	if (!held)
		abort();
}

/* ---- the speaker ---- */

static struct net_addr v4(uint8_t last)
{
	return (struct net_addr){.family = AF_INET, .bytes = {10, 0, 0, last}};
}

static struct net_addr v6(uint8_t last)
{
	return (struct net_addr){.family = AF_INET6, .bytes = {0xfe, 0x80, [15] = last}};
}

static struct vrrp_fsm_config config_of(uint8_t head)
{
	return (struct vrrp_fsm_config){.priority = (uint8_t)(head & 1 ? 255 : 100 + (head & 0x30)),
		.version = head & 2 ? 2 : 3,
		.preempt = !(head & 4),
		.interval_ns = (head & (8 | 2) ? 1000 : 10) * MS, /* version 2 counts in seconds */
		.preempt_delay_ns = head & 0x40 ? 50 * MS : 0,
		.announce_count = 3,
		.announce_interval_ns = 20 * MS,
		.announce_refresh_ns = head & 0x80 ? 500 * MS : 0};
}

static void build(struct speaker *s, uint8_t head)
{
	struct vrrp_fsm_config config = config_of(head);

	s->addresses[0] = (struct vrrp_address){.addr = v4(100), .prefix = 24};
	s->addresses[1] = (struct vrrp_address){.addr = v6(100), .prefix = 64};
	s->conf = (struct vrrp_instance){.vrid = 7,
		.version = config.version,
		.priority = config.priority,
		.interval_ms = (uint32_t)(config.interval_ns / MS),
		.addresses = s->addresses,
		.ipv4_count = 1,
		.ipv6_count = config.version == 3};
	for (int i = 0; i < 2; i++)
		s->routers[i] = (struct vrrp_router){.family = i ? AF_INET6 : AF_INET,
			.conf = &s->conf,
			.ifindex = 1,
			.source = i ? v6(2) : v4(2),
			.heard_at = VRRP_NEVER};
	vrrp_fsm_init(&s->fsm, &config);
}

static void carry_out(struct speaker *s, const struct vrrp_actions *actions)
{
	must(actions->count <= VRRP_ACTIONS_MAX);
	for (size_t i = 0; i < actions->count; i++) {
		const struct vrrp_action *a = &actions->list[i];

		if (a->type == VRRP_DO_ACQUIRE)
			s->holds = true;
		if (a->type == VRRP_DO_RELEASE)
			s->holds = false;
		if (a->type == VRRP_DO_ANNOUNCE)
			must(s->holds);
		for (int r = 0; r < 2 && a->type == VRRP_DO_ADVERTISE; r++)
			if (!r || s->conf.ipv6_count)
				must(vrrp_router_advertise(&s->routers[r], a->priority) == 0);
	}
}

static void feed(struct speaker *s, const struct vrrp_event *event)
{
	struct vrrp_actions actions;
	bool inherits = event->type == VRRP_EVENT_INHERIT && s->fsm.state == VRRP_INITIALIZE;

	vrrp_fsm_step(&s->fsm, event, s->now, &actions);
	s->holds |= inherits; /* they are there */
	carry_out(s, &actions);
	must(s->holds == (s->fsm.state == VRRP_ACTIVE || s->fsm.state == VRRP_HANDOVER));
	must((s->fsm.state == VRRP_INITIALIZE) == (vrrp_fsm_deadline(&s->fsm) == VRRP_NEVER));
	must(vrrp_fsm_skew(&s->fsm) > 0 && vrrp_fsm_down_interval(&s->fsm) > 0);
}

/* ---- packets ---- */

static void repair(uint8_t *packet, size_t len, const struct vrrp_ip *ip)
{
	uint64_t sum;

	memset(packet + 6, 0, 2);
	sum = vrrp_sum(packet, len);
	if (packet[0] >> 4 != 2)
		sum += vrrp_sum(ip->source.bytes, 16) + vrrp_sum(ip->destination.bytes, 16) + VRRP_PROTOCOL +
		       len;
	vrrp_put16(packet + 6, (uint16_t)~vrrp_fold(sum));
}

static void hear(struct speaker *s, struct cursor *c)
{
	uint8_t head = byte_of(c), len = byte_of(c), packet[256];
	struct vrrp_router *router = &s->routers[head & 1 && s->conf.ipv6_count];
	struct vrrp_ip ip = {.ttl = head & 2 ? 254 : 255,
		.source = router->family == AF_INET6 ? v6(head >> 4) : v4(head >> 4),
		.destination = vrrp_packet_group(router->family)};
	struct vrrp_event event = {.type = VRRP_EVENT_ADVERT};
	struct vrrp_fsm before = s->fsm;
	enum vrrp_checksum_form form;
	enum vrrp_discard reason;
	struct vrrp_advert advert;

	for (size_t i = 0; i < len; i++)
		packet[i] = byte_of(c);
	if (head & 4 && len >= 8)
		repair(packet, len, &ip);
	reason = vrrp_packet_decode(packet, len, &ip, &advert, &form);
	if (reason == VRRP_OK && advert.vrid != s->conf.vrid)
		reason = VRRP_DISCARD_VRID;
	if (reason == VRRP_OK)
		reason = vrrp_router_judge(router, &advert, &ip, form, s->now, &event.heard);
	if (reason == VRRP_OK)
		feed(s, &event);
	else
		must(memcmp(&before, &s->fsm, sizeof(before)) == 0);
}

static void step(struct speaker *s, struct cursor *c)
{
	static const enum vrrp_event_type plain[] = {VRRP_EVENT_STARTUP, VRRP_EVENT_RESUME,
		VRRP_EVENT_INHERIT, VRRP_EVENT_SHUTDOWN, VRRP_EVENT_OFFER, VRRP_EVENT_TAKE, VRRP_EVENT_HOLD,
		VRRP_EVENT_YIELD, VRRP_EVENT_MOVED, VRRP_EVENT_TIMER};
	const size_t count = sizeof(plain) / sizeof(plain[0]);
	uint8_t op = byte_of(c) % 14;
	struct vrrp_fsm_config config;

	if (op < count) {
		feed(s, &(struct vrrp_event){.type = plain[op]});
	} else if (op == count) {
		config = config_of(byte_of(c));
		config.version = s->conf.version;
		if (config.version == 2)
			config.interval_ns = 1000 * MS;
		s->conf.interval_ms = (uint32_t)(config.interval_ns / MS);
		feed(s, &(struct vrrp_event){.type = VRRP_EVENT_CONFIG, .config = &config});
	} else if (op == count + 1) {
		s->now += (byte_of(c) + 1) * 10 * MS;
	} else if (op == count + 2) {
		if (vrrp_fsm_deadline(&s->fsm) == VRRP_NEVER)
			return;
		if (s->now < vrrp_fsm_deadline(&s->fsm))
			s->now = vrrp_fsm_deadline(&s->fsm);
		feed(s, &(struct vrrp_event){.type = VRRP_EVENT_TIMER});
		must(vrrp_fsm_deadline(&s->fsm) > s->now);
	} else {
		hear(s, c);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = {data, size};
	struct speaker s = {.now = 1000 * MS};

	build(&s, byte_of(&c));
	for (int i = 0; i < STEPS_MAX && c.left; i++)
		step(&s, &c);
	return 0;
}
