/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nat_model.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "lb/bpf/lb_state.h"

void nat_model_init(struct nat_model *m, struct fixture *x)
{
	memset(m, 0, sizeof(*m));
	m->x = x;
	m->mtu = 1500;
}

/* ---- the table ---- */

static bool same_endpoint(const struct endpoint *e, const uint32_t *addr, uint16_t port)
{
	return e->port == port && !memcmp(e->addr, addr, sizeof(e->addr));
}

/* The flow that has a packet from src to dst, and the packet's direction; -1: none. */
static int find(const struct nat_model *m, int family, uint8_t protocol, const uint32_t *src, uint16_t sport,
	const uint32_t *dst, uint16_t dport, int *direction)
{
	for (int i = 0; i < NAT_MODEL_FLOWS; i++) {
		const struct nat_flow *f = &m->flows[i];

		if (!f->used || f->family != family || f->protocol != protocol)
			continue;
		if (same_endpoint(&f->client, src, sport) && same_endpoint(&f->service, dst, dport)) {
			*direction = LB_TO_BACKEND;
			return i;
		}
		if (same_endpoint(&f->backend, src, sport) && same_endpoint(&f->client, dst, dport)) {
			*direction = LB_TO_CLIENT;
			return i;
		}
	}
	return -1;
}

static int find_service(const struct nat_model *m, const struct packet_parts *p)
{
	for (uint32_t i = 0; i < m->x->service_count; i++) {
		const struct fixture_service *s = &m->x->services[i];

		if (s->family == p->family && s->protocol == p->protocol &&
			same_endpoint(&s->at, p->dst, p->dport))
			return (int)i;
	}
	return -1;
}

void nat_model_remove(struct nat_model *m, int flow)
{
	m->flows[flow].used = false;
}

void nat_model_doom(struct nat_model *m, int flow)
{
	m->flows[flow].state = LB_FLOW_DOOMED;
}

uint32_t nat_model_count(const struct nat_model *m, int family)
{
	uint32_t count = 0;

	for (int i = 0; i < NAT_MODEL_FLOWS; i++)
		count += m->flows[i].used && m->flows[i].family == family;
	return count;
}

uint32_t nat_model_live(const struct nat_model *m, uint32_t backend)
{
	uint32_t count = 0;

	for (int i = 0; i < NAT_MODEL_FLOWS; i++)
		count += m->flows[i].used && m->flows[i].backend_at == backend &&
			 lb_flow_is_live(m->flows[i].state);
	return count;
}

/* ---- what comes out ---- */

/*
 * The checksum at `at` after the bytes it covers changed from old to new (RFC 1624, equation 3). Only for
 * what no sum can be made of anew: fragments, quoted packets that are cut, and sums that were wrong and must
 * stay so.
 */
static uint16_t adjusted(
	uint16_t check, const uint8_t *old, const uint8_t *new, uint32_t length, uint32_t skip)
{
	uint32_t sum = check == 0xffff ? 0xffff : 0xffffU - check; /* never zero */

	for (uint32_t i = 0; i + 1 < length; i += 2)
		if (i != skip && get16(old + i) != get16(new + i))
			sum = sum_bytes(NULL, 0, sum + (uint16_t)~get16(old + i) + get16(new + i));
	return (uint16_t)~sum_bytes(NULL, 0, sum);
}

/* Addresses of the packet `was`, as a pseudo header, followed by its L4 head. */
static uint32_t covered(const uint8_t *bytes, const struct packet_parts *p, uint32_t l4_bytes, uint8_t *out)
{
	uint32_t addresses = p->protocol == IPPROTO_ICMP ? 0 : p->family == 6 ? 32 : 8;

	memcpy(out, bytes + p->l3 + (p->family == 6 ? 8 : 12), addresses);
	memcpy(out + addresses, bytes + p->l4, l4_bytes);
	return addresses;
}

/* The packet at p in `new` was `old` before its addresses, ports or contents changed: make its sums true, or
 * as wrong as they were. have: bytes of L4 that are there. */
static void settle_sums(uint8_t *new, const uint8_t *old, const struct packet_parts *p, uint32_t have)
{
	uint32_t at = l4_check_offset(p) - p->l4;
	uint8_t before[FRAME_MAX + 32], after[FRAME_MAX + 32];
	uint32_t addresses;
	uint16_t check;

	if (p->whole && packet_sums_right(old, p)) {
		packet_sums_set(new, p);
		return;
	}
	if (p->family == 4)
		put16(new + p->l3 + 10,
			adjusted(get16(old + p->l3 + 10), old + p->l3, new + p->l3, p->l4 - p->l3, 10));
	if (p->later || at + 2 > have)
		return;
	check = get16(old + p->l4 + at);
	if (p->protocol == IPPROTO_UDP && !check)
		return;
	addresses = covered(old, p, have, before);
	covered(new, p, have, after);
	check = adjusted(check, before, after, addresses + have, addresses + at);
	put16(new + p->l4 + at, p->protocol == IPPROTO_UDP && !check ? 0xffff : check);
}

static void set_address(uint8_t *bytes, const struct packet_parts *p, bool destination, const uint32_t *addr)
{
	if (p->family == 4)
		memcpy(bytes + p->l3 + (destination ? 16 : 12), addr, 4);
	else
		memcpy(bytes + p->l3 + (destination ? 24 : 8), addr, 16);
}

static void set_macs(struct frame *f)
{
	memcpy(f->bytes, fixture_gateway_mac, 6);
	memcpy(f->bytes + 6, fixture_link_mac, 6);
}

/* RFC 1812 5.3.1, RFC 8200 3: one hop less. */
static void forward(const struct nat_flow *f, int direction, const struct frame *in,
	const struct packet_parts *p, struct nat_expect *e)
{
	const struct endpoint *to = direction == LB_TO_BACKEND ? &f->backend : &f->service;
	bool destination = direction == LB_TO_BACKEND;

	e->kind = NAT_FORWARD;
	e->out = *in;
	set_address(e->out.bytes, p, destination, to->addr);
	if (!p->later)
		put16(e->out.bytes + p->l4 + (destination ? 2 : 0), to->port);
	e->out.bytes[p->l3 + (p->family == 4 ? 8 : 7)]--;
	settle_sums(e->out.bytes, in->bytes, p, in->length - p->l4);
	set_macs(&e->out);
}

/* ---- answers ---- */

static bool may_answer(const struct packet_parts *p)
{
	return !p->fragment && p->l4 == p->l3 + (p->family == 4 ? 20u : 40u);
}

/* An error may be about a first fragment too (RFC 1122 3.2.2). */
static bool may_report(const struct packet_parts *p)
{
	if (!p->fragment)
		return may_answer(p);
	return !p->later && p->l4 == p->l3 + (p->family == 4 ? 20u : 48u);
}

static void swap_macs(const struct frame *in, struct frame *out)
{
	memcpy(out->bytes, in->bytes + 6, 6);
	memcpy(out->bytes + 6, in->bytes, 6);
}

static void fix_ip(struct frame *f)
{
	struct packet_parts p;

	f->bytes[ETH_BYTES + 1] = 0;
	f->bytes[ETH_BYTES + 3] = get16(f->bytes + 12) == 0x0800 ? f->bytes[ETH_BYTES + 3] : 0;
	if (get16(f->bytes + 12) == 0x0800) {
		put16(f->bytes + ETH_BYTES + 4, 0);
		put16(f->bytes + ETH_BYTES + 6, 0x4000);
	}
	p = frame_parse(f);
	packet_sums_set(f->bytes, &p);
}

/* RFC 9293 3.10.7.1 */
static void answer_rst(const struct frame *in, const struct packet_parts *p, struct nat_expect *e)
{
	uint32_t head = (in->bytes[p->l4 + 12] >> 4) * 4u, data = p->end - p->l4 - head;
	struct packet_spec s = {.family = p->family, .protocol = IPPROTO_TCP, .tcp_flags = TCP_RST};

	e->kind = NAT_DROP;
	if (!may_answer(p) || (p->tcp_flags & TCP_RST) || head < 20 || p->l4 + head > p->end)
		return;
	memcpy(s.from.addr, p->dst, 16);
	memcpy(s.to.addr, p->src, 16);
	s.from.port = p->dport;
	s.to.port = p->sport;
	if (p->tcp_flags & TCP_ACK) {
		s.seq = p->ack;
	} else {
		s.tcp_flags |= TCP_ACK;
		s.ack = p->seq + data + !!(p->tcp_flags & TCP_SYN) + !!(p->tcp_flags & TCP_FIN);
	}
	e->kind = NAT_ANSWER;
	packet_build(&s, &e->out);
	put16(e->out.bytes + ETH_BYTES + (p->family == 4 ? 20 : 40) + 14, 0); /* window */
	fix_ip(&e->out);
	swap_macs(in, &e->out);
}

/* RFC 792, RFC 4443 */
static void answer_error(const struct frame *in, const struct packet_parts *p, uint8_t type, uint8_t code,
	uint32_t word, struct nat_expect *e)
{
	/* Of an IPv6 fragment's L4 header only the eight bytes that must be there. */
	bool whole_tcp = p->protocol == IPPROTO_TCP && !(p->family == 6 && p->fragment);
	uint32_t quote = p->l4 - p->l3 + (whole_tcp ? 20 : 8);

	e->kind = NAT_DROP;
	if (!may_report(p))
		return;
	e->kind = NAT_ANSWER;
	packet_error(in, p->dst, type, code, word, quote, &e->out);
	fix_ip(&e->out);
	swap_macs(in, &e->out);
}

static void refuse(const struct nat_model *m, int service, const struct frame *in,
	const struct packet_parts *p, struct nat_expect *e)
{
	e->kind = NAT_DROP;
	if (m->x->b.view.services[service].on_empty != LB_ON_EMPTY_REJECT)
		return;
	if (p->protocol == IPPROTO_TCP)
		answer_rst(in, p, e);
	else
		answer_error(in, p, p->family == 4 ? 3 : 1, p->family == 4 ? 3 : 4, 0, e);
}

/* ---- packets of flows ---- */

/* What keeps a packet of a flow from going on. */
static bool stopped(
	const struct nat_model *m, const struct frame *in, const struct packet_parts *p, struct nat_expect *e)
{
	if (p->ttl <= 1) {
		answer_error(in, p, p->family == 4 ? 11 : 3, 0, 0, e);
		return true;
	}
	if (in->length - ETH_BYTES > m->mtu) {
		answer_error(in, p, p->family == 4 ? 3 : 2, p->family == 4 ? 4 : 0, m->mtu, e);
		return true;
	}
	return false;
}

static void remember_fragment(struct nat_model *m, const struct packet_parts *p, int flow, int direction)
{
	struct nat_fragment *g = &m->fragments[m->fragment_next++ % NAT_MODEL_FRAGMENTS];

	*g = (struct nat_fragment){.family = p->family,
		.protocol = p->family == 4 ? p->protocol : 0,
		.id = p->fragment_id,
		.flow = flow,
		.direction = direction};
	g->serial = flow >= 0 ? m->flows[flow].serial : 0;
	memcpy(g->src, p->src, 16);
	memcpy(g->dst, p->dst, 16);
}

static bool is_own_address(const struct nat_model *m, int family, const uint32_t *addr)
{
	for (uint32_t i = 0; i < m->x->service_count; i++)
		if (m->x->services[i].family == family && !memcmp(m->x->services[i].at.addr, addr, 16))
			return true;
	for (uint32_t i = 0; i < m->x->backend_count; i++)
		if (m->x->b.view.backends[i].family == family &&
			!memcmp(m->x->b.view.backends[i].addr, addr, 16))
			return true;
	return false;
}

static bool is_extension(uint8_t next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING ||
	       next == IPPROTO_FRAGMENT;
}

static void run_later(
	struct nat_model *m, const struct frame *in, const struct packet_parts *p, struct nat_expect *e)
{
	e->kind = NAT_PASS;
	if (p->protocol != IPPROTO_TCP && p->protocol != IPPROTO_UDP &&
		!(p->family == 6 && is_extension(p->protocol)))
		return; /* no first fragment of ours will come */
	for (int i = NAT_MODEL_FRAGMENTS - 1; i >= 0; i--) {
		/* the newest first */
		const struct nat_fragment *g =
			&m->fragments[(m->fragment_next + (uint32_t)i) % NAT_MODEL_FRAGMENTS];

		if (g->family != p->family || g->id != p->fragment_id || memcmp(g->src, p->src, 16) ||
			memcmp(g->dst, p->dst, 16) || (g->protocol && g->protocol != p->protocol))
			continue;
		if (g->flow < 0)
			return;
		e->kind = NAT_DROP;
		e->flow = g->flow;
		if (p->ttl > 1 && m->flows[g->flow].used && m->flows[g->flow].serial == g->serial)
			forward(&m->flows[g->flow], g->direction, in, p, e);
		return;
	}
	if (is_own_address(m, p->family, p->src) || is_own_address(m, p->family, p->dst))
		e->kind = NAT_DROP; /* held */
}

/* An error about one of our flows' packets: inside and outside as its receiver knows it. RFC 5508, RFC 4443.
 */
static void run_error(
	struct nat_model *m, const struct frame *in, const struct packet_parts *p, struct nat_expect *e)
{
	uint8_t type = in->bytes[p->l4];
	bool error = p->family == 4 ? type == 3 || type == 11 || type == 12 : type >= 1 && type <= 4;
	struct packet_parts q;
	const struct nat_flow *f;
	const struct endpoint *to;
	uint32_t have;
	int direction;

	e->kind = NAT_PASS;
	if (!error || p->fragment)
		return;
	q = packet_parse(in->bytes, p->end, p->l4 + 8, p->family, true);
	if (!q.ok || q.later || (q.protocol != IPPROTO_TCP && q.protocol != IPPROTO_UDP) ||
		memcmp(q.src, p->dst, 16))
		return;
	/* The quoted packet went the other way. */
	e->flow = find(m, p->family, q.protocol, q.dst, q.dport, q.src, q.sport, &direction);
	if (e->flow < 0)
		return;
	if (p->ttl <= 1) {
		e->kind = NAT_DROP;
		return;
	}
	f = &m->flows[e->flow];
	to = direction == LB_TO_BACKEND ? &f->backend : &f->service;
	have = p->end - q.l4;
	e->kind = NAT_FORWARD;
	e->out = *in;
	set_address(e->out.bytes, &q, direction == LB_TO_CLIENT, to->addr);
	put16(e->out.bytes + q.l4 + (direction == LB_TO_BACKEND ? 0 : 2), to->port);
	q.whole = false; /* what is quoted may be cut anywhere, and need not have been right */
	settle_sums(e->out.bytes, in->bytes, &q, have);
	set_address(e->out.bytes, p, direction == LB_TO_BACKEND, to->addr);
	e->out.bytes[p->l3 + (p->family == 4 ? 8 : 7)]--;
	settle_sums(e->out.bytes, in->bytes, p, p->end - p->l4);
	set_macs(&e->out);
}

static void run_unknown(
	struct nat_model *m, const struct frame *in, const struct packet_parts *p, struct nat_expect *e)
{
	int service = find_service(m, p);

	e->kind = NAT_PASS;
	if (service < 0) {
		if (p->fragment &&
			(is_own_address(m, p->family, p->src) || is_own_address(m, p->family, p->dst)))
			remember_fragment(m, p, -1, 0);
		return;
	}
	e->kind = NAT_NEW;
	if (p->protocol == IPPROTO_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		refuse(m, service, in, p, e);
}

/* Does a SYN on the flow make a new one? One that was reset stays with a backend that serves: the reset may have
 * been forged. A first SYN's backend may have gone. */
static bool begins_anew(const struct nat_model *m, const struct nat_flow *f)
{
	const struct lb_backend_entry *b = &m->x->b.view.backends[f->backend_at];
	bool away = b->epoch != f->epoch;

	if (f->state == LB_FLOW_SYN)
		return away;
	if (f->state == LB_FLOW_RST_CLIENT || f->state == LB_FLOW_RST_BACKEND)
		return away || !(b->flags & LB_BACKEND_SERVING);
	return lb_flow_is_over(f->state);
}

/* A TCP segment's effect on its flow. False: the packet is not to be forwarded, or begins a new flow. */
static bool tcp_event(struct nat_model *m, int flow, int direction, const struct frame *in,
	const struct packet_parts *p, struct nat_expect *e)
{
	struct nat_flow *f = &m->flows[flow];
	uint8_t before = f->state;

	if (direction == LB_TO_BACKEND && (p->tcp_flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN &&
		begins_anew(m, f)) {
		nat_model_remove(m, flow);
		e->flow = -1;
		run_unknown(m, in, p, e);
		return false;
	}
	if (before == LB_FLOW_DOOMED) {
		e->kind = NAT_DROP;
		if (!(p->tcp_flags & TCP_RST))
			answer_rst(in, p, e);
		return false;
	}
	f->state = lb_tcp_next(before, (uint32_t)direction, p->tcp_flags, p->ack == f->isn + 1);
	if (before != LB_FLOW_SYN_RECV && f->state == LB_FLOW_SYN_RECV)
		f->isn = p->seq;
	return true;
}

void nat_model_run(struct nat_model *m, const struct frame *in, struct nat_expect *e)
{
	struct packet_parts p = frame_parse(in);
	int direction = 0;

	e->kind = NAT_PASS;
	e->flow = -1;
	if (!p.ok)
		return;
	if (p.later) {
		run_later(m, in, &p, e);
		return;
	}
	if (p.protocol == IPPROTO_ICMP || p.protocol == IPPROTO_ICMPV6) {
		run_error(m, in, &p, e);
		return;
	}
	e->flow = find(m, p.family, p.protocol, p.src, p.sport, p.dst, p.dport, &direction);
	if (e->flow < 0) {
		run_unknown(m, in, &p, e);
		return;
	}

	struct nat_flow *f = &m->flows[e->flow];

	if (p.protocol == IPPROTO_TCP) {
		if (!tcp_event(m, e->flow, direction, in, &p, e))
			return;
	} else if (direction == LB_TO_BACKEND && m->x->b.view.backends[f->backend_at].epoch != f->epoch) {
		nat_model_remove(m, e->flow);
		e->flow = -1;
		run_unknown(m, in, &p, e);
		return;
	} else {
		f->state = LB_FLOW_UDP;
	}
	if (p.fragment)
		remember_fragment(m, &p, e->flow, direction);
	if (!stopped(m, in, &p, e))
		forward(f, direction, in, &p, e);
}

/* ---- new flows ---- */

static bool serves(const struct nat_model *m, uint32_t backend, uint32_t pool)
{
	const struct lb_backend_entry *b = &m->x->b.view.backends[backend];

	return backend < m->x->backend_count && (b->flags & LB_BACKEND_SERVING) && b->pool == pool;
}

/* The flow that has the tuple which a new one to that backend would get; -1 = none. */
static int holder(const struct nat_model *m, const struct packet_parts *p, uint32_t backend)
{
	const struct lb_backend_entry *b = &m->x->b.view.backends[backend];
	int direction;

	return find(m, p->family, p->protocol, b->addr, ntohs(b->port), p->src, p->sport, &direction);
}

/* A flow that is over gives its tuple up. */
static bool collides(const struct nat_model *m, const struct packet_parts *p, uint32_t backend)
{
	int has = holder(m, p, backend);

	return has >= 0 && !lb_flow_is_over(m->flows[has].state);
}

/* The oldest half-open flow makes room in the budget. */
static void enter_ring(struct nat_model *m, int flow)
{
	uint32_t at = m->ring_next++ % m->x->b.view.globals->half_open_max;
	int old = m->ring_flow[at];

	if (m->ring_serial[at] && m->flows[old].used && m->flows[old].serial == m->ring_serial[at] &&
		lb_flow_is_half_open(m->flows[old].state))
		nat_model_remove(m, old);
	m->ring_flow[at] = flow;
	m->ring_serial[at] = m->flows[flow].serial;
}

static bool refused_rightly(
	const struct nat_model *m, const struct packet_parts *p, uint32_t pool, enum lb_counter reason)
{
	uint32_t serving = 0, colliding = 0;

	for (uint32_t b = 0; b < m->x->backend_count; b++) {
		if (!serves(m, b, pool))
			continue;
		serving++;
		colliding += collides(m, p, b);
	}
	if (reason == LB_COUNT_NO_BACKEND)
		return serving == 0;
	if (reason == LB_COUNT_TABLE_FULL)
		return nat_model_count(m, p->family) == m->x->b.sizes.flows;
	if (reason == LB_COUNT_COLLISION)
		return colliding > 0; /* only some backends are tried */
	return reason == LB_COUNT_BUCKET_FULL;
}

bool nat_model_new(struct nat_model *m, const struct frame *in, int backend, enum lb_counter reason,
	struct nat_expect *e)
{
	struct packet_parts p = frame_parse(in);
	int service = find_service(m, &p), free_at = 0;
	uint32_t pool = m->x->services[service].pool;
	struct nat_flow *f;

	if (backend < 0) {
		e->kind = NAT_DROP;
		if (reason == LB_COUNT_NO_BACKEND)
			refuse(m, service, in, &p, e);
		if (!refused_rightly(m, &p, pool, reason))
			fprintf(stderr, "refused for reason %d, which is not so\n", reason);
		return refused_rightly(m, &p, pool, reason);
	}
	if (!serves(m, (uint32_t)backend, pool) || collides(m, &p, (uint32_t)backend)) {
		fprintf(stderr, "backend %d: %s\n", backend,
			serves(m, (uint32_t)backend, pool) ? "tuple in use" : "not serving");
		return false;
	}
	if (holder(m, &p, (uint32_t)backend) >= 0)
		nat_model_remove(m, holder(m, &p, (uint32_t)backend));
	while (m->flows[free_at].used)
		free_at++;
	f = &m->flows[free_at];
	*f = (struct nat_flow){.used = true,
		.family = p.family,
		.protocol = p.protocol,
		.serial = ++m->serial,
		.state = p.protocol == IPPROTO_TCP ? LB_FLOW_SYN : LB_FLOW_UDP_NEW,
		.service_at = (uint32_t)service,
		.backend_at = (uint32_t)backend,
		.epoch = m->x->b.view.backends[backend].epoch};
	memcpy(f->client.addr, p.src, 16);
	memcpy(f->service.addr, p.dst, 16);
	memcpy(f->backend.addr, m->x->b.view.backends[backend].addr, 16);
	f->client.port = p.sport;
	f->service.port = p.dport;
	f->backend.port = ntohs(m->x->b.view.backends[backend].port);
	e->flow = free_at;
	enter_ring(m, free_at);
	if (p.fragment)
		remember_fragment(m, &p, free_at, LB_TO_BACKEND);
	if (!stopped(m, in, &p, e))
		forward(f, LB_TO_BACKEND, in, &p, e);
	return true;
}
