/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sync_pair.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_NS (20 * PAIR_MS)
/* silent_ns + behind_ns, and what a datagram takes at most */
#define IN_SLACK_NS  (1250 * PAIR_MS + 100 * PAIR_MS)
#define OUT_SLACK_NS (250 * PAIR_MS)

static uint64_t draw(struct pair *p)
{
	uint64_t z = p->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int64_t pair_between(struct pair *p, int64_t low, int64_t high)
{
	return high <= low ? low : low + (int64_t)(draw(p) % (uint64_t)(high - low + 1));
}

static void breaks(struct pair *p, const char *what)
{
	if (!p->broken)
		p->broken = what;
}

static struct pair_node *other(struct pair_node *n)
{
	return &n->pair->node[!n->me];
}

/* Do both believe each other, as they are now? */
static bool is_mutual(struct pair_node *n)
{
	return n->believed == other(n)->boot && other(n)->believed == n->boot;
}

/* ---- source ---- */

static int64_t waiting(void *data)
{
	struct pair_node *n = data;

	return n->queue_count ? n->flows[n->queue[n->queue_head]].changed_at : SYNC_NEVER;
}

static void fill_record(struct sync_record *r, uint32_t flow, uint32_t version)
{
	memset(r, 0, sizeof(*r));
	r->kind = version ? SYNC_FLOW : SYNC_FLOW_END;
	r->flow.family = AF_INET;
	r->flow.protocol = 6;
	r->flow.state = SYNC_TCP_ESTABLISHED;
	memcpy(r->flow.client, &flow, 4);
	r->flow.service_port = 80;
	r->flow.backend_isn = version;
}

static void log_entry(struct pair_node *n, uint8_t kind, uint32_t flow, uint32_t version)
{
	n->log[n->written++ % PAIR_LOG] = (struct pair_entry){kind, flow, version};
}

static bool write_flow(struct pair_node *n, struct sync_writer *w, uint32_t flow)
{
	uint32_t version = n->flows[flow].mine;
	struct sync_record r;

	fill_record(&r, flow, version);
	if (sync_write_record(w, &r))
		return false;
	log_entry(n, version ? SYNC_FLOW : SYNC_FLOW_END, flow, version);
	return true;
}

static void changes(void *data, struct sync_writer *w)
{
	struct pair_node *n = data;

	while (n->queue_count && write_flow(n, w, n->queue[n->queue_head])) {
		n->flows[n->queue[n->queue_head]].queued = false;
		n->queue_head = (n->queue_head + 1) % n->pair->flow_count;
		n->queue_count--;
	}
}

static void bulk_begin(void *data)
{
	struct pair_node *n = data;

	n->walk = 0;
	log_entry(n, SYNC_BULK_BEGIN, 0, 0);
}

/* In steps of 100 places, so that a step can be empty. */
static bool bulk_next(void *data, struct sync_writer *w)
{
	struct pair_node *n = data;

	for (uint32_t steps = 0; n->walk < n->pair->flow_count && steps < 100; n->walk++, steps++)
		if (n->flows[n->walk].mine && !write_flow(n, w, n->walk))
			return false;
	return n->walk == n->pair->flow_count;
}

static const struct sync_source source = {waiting, changes, bulk_begin, bulk_next};

/* ---- target ---- */

static void check_order(struct pair_node *n, uint8_t kind, uint32_t flow, uint32_t version)
{
	const struct pair_entry *e = &other(n)->log[n->applied % PAIR_LOG];

	if (!is_mutual(n))
		return;
	if (n->applied >= other(n)->written || other(n)->written - n->applied > PAIR_LOG)
		breaks(n->pair, "applied what was not written");
	else if (e->kind != kind || e->flow != flow || e->version != version)
		breaks(n->pair, "applied out of order, twice, or not at all");
	n->applied++;
}

static enum sync_fate apply(void *data, const struct sync_record *record)
{
	struct pair_node *n = data;
	uint32_t flow;

	memcpy(&flow, record->flow.client, 4);
	check_order(n, (uint8_t)record->kind, flow, record->flow.backend_isn);
	if (flow >= n->pair->flow_count)
		return SYNC_INVALID;
	n->flows[flow].copy = record->kind == SYNC_FLOW ? record->flow.backend_isn : 0;
	n->flows[flow].named = n->bulk;
	return SYNC_APPLIED;
}

static void copy(void *data, enum sync_copy_event event)
{
	struct pair_node *n = data;

	if (event == SYNC_COPY_BEGIN) {
		check_order(n, SYNC_BULK_BEGIN, 0, 0);
		n->bulk++;
	}
	if (event == SYNC_COPY_END && !n->in_bulk)
		breaks(n->pair, "an end without a begin");
	if (event == SYNC_COPY_END && n->pair->plant != PLANT_END_FORGOTTEN)
		for (uint32_t i = 0; i < n->pair->flow_count; i++)
			if (n->flows[i].named != n->bulk)
				n->flows[i].copy = 0;
	n->in_bulk = event == SYNC_COPY_BEGIN;
}

static const struct sync_target target = {apply, copy};

/* ---- network ---- */

static bool is_before(const struct pair_event *a, const struct pair_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void heap_push(struct pair *p, struct pair_event e)
{
	uint32_t i = p->heap_count++;

	for (; i && is_before(&e, &p->heap[(i - 1) / 2]); i = (i - 1) / 2)
		p->heap[i] = p->heap[(i - 1) / 2];
	p->heap[i] = e;
}

static struct pair_event heap_pop(struct pair *p)
{
	struct pair_event top = p->heap[0], last = p->heap[--p->heap_count];
	uint32_t i = 0, child;

	for (; (child = 2 * i + 1) < p->heap_count; i = child) {
		if (child + 1 < p->heap_count && is_before(&p->heap[child + 1], &p->heap[child]))
			child++;
		if (!is_before(&p->heap[child], &last))
			break;
		p->heap[i] = p->heap[child];
	}
	p->heap[i] = last;
	return top;
}

static void put_on_wire(struct pair *p, const struct pair_packet *packet, const uint8_t *bytes)
{
	uint32_t i;

	if (p->is_cut[packet->to] || pair_between(p, 0, 999) < p->loss_permille[packet->to] || !p->free_count)
		return;
	i = p->free_list[--p->free_count];
	memcpy(&p->packet[i], packet, offsetof(struct pair_packet, bytes));
	memcpy(p->packet[i].bytes, bytes, packet->len);
	heap_push(p,
		(struct pair_event){p->now + p->delay_ns + pair_between(p, 0, p->jitter_ns), p->order++, i});
}

static void transmit(struct pair_node *n, struct pair_packet *packet, const uint8_t *bytes)
{
	packet->to = (uint8_t)!n->me;
	put_on_wire(n->pair, packet, bytes);
	if (pair_between(n->pair, 0, 999) < n->pair->double_permille)
		put_on_wire(n->pair, packet, bytes);
}

static void hello(struct pair_node *n)
{
	struct pair_packet packet = {.from_boot = n->boot, .is_hello = true, .echo = n->peer_challenge};

	if (n->hello_at > n->pair->now)
		return;
	n->hello_at = n->pair->now + HELLO_NS;
	if (!n->challenge)
		n->challenge = draw(n->pair);
	packet.challenge = n->challenge;
	transmit(n, &packet, (const uint8_t *)"");
}

/* ---- nodes ---- */

static void plant_before(struct pair_node *n)
{
	struct sync_window *w = &n->session->out.window;
	struct sync_in *in = &n->session->in;

	switch (n->pair->plant) {
	case PLANT_NEVER_REPAIRS:
		for (uint64_t q = w->una; q != w->next && w->lost; q++)
			if (w->slot[q & (w->size - 1)].state == SYNC_SLOT_LOST) {
				w->slot[q & (w->size - 1)].state = SYNC_SLOT_CAME;
				w->lost--;
			}
		break;
	case PLANT_NO_TIMEOUT:
		for (uint32_t i = 0; i < w->size; i++)
			w->slot[i].sent_at = n->pair->now;
		break;
	case PLANT_DELIVERS_EARLY:
		if (in->top > in->next && !in->len[in->next & (in->config.window - 1)])
			in->next++;
		break;
	case PLANT_DELIVERS_TWICE:
		if (in->next > 1 && pair_between(n->pair, 0, 20) == 0)
			in->next--;
		break;
	case PLANT_SWAPS:
		for (uint32_t i = 0; i + 1 < in->config.window; i++)
			if (in->len[i] && in->len[i] == in->len[i + 1]) {
				memcpy(n->pair->packet[0].bytes, in->bytes[i], in->len[i]);
				memcpy(in->bytes[i], in->bytes[i + 1], in->len[i]);
				memcpy(in->bytes[i + 1], n->pair->packet[0].bytes, in->len[i]);
			}
		break;
	case PLANT_STORM:
		n->session->out.spoke_at = n->pair->now - 200 * PAIR_MS;
		break;
	case PLANT_WANT_UNSAID:
		in->want_at = SYNC_NEVER;
		break;
	case PLANT_SAYS_IN_SYNC:
		if (n->session->out.bulk <= SYNC_BULK_WALKED)
			n->session->out.bulk = SYNC_BULK_SENT;
		break;
	default:
		break;
	}
}

static void check_in_sync(struct pair_node *n)
{
	int64_t now = n->pair->now;
	bool in = sync_in_why(&n->session->in, now) == SYNC_WHY_IN_SYNC && is_mutual(n);
	bool out = sync_out_why(&n->session->out, now) == SYNC_WHY_IN_SYNC && is_mutual(n);
	const struct pair_flow *theirs = other(n)->flows;

	for (uint32_t i = 0; i < n->pair->flow_count; i++) {
		if (in && n->flows[i].copy != theirs[i].mine && theirs[i].changed_at < now - IN_SLACK_NS)
			breaks(n->pair, "a receiver says in sync and is not");
		if (out && n->flows[i].mine != theirs[i].copy && n->flows[i].changed_at < now - OUT_SLACK_NS)
			breaks(n->pair, "a sender says in sync and is not");
	}
}

static void drain(struct pair_node *n)
{
	struct pair_packet packet = {.from_boot = n->boot, .to_boot = n->believed};
	const uint8_t *bytes;
	int count = 0;
	size_t len;

	while ((bytes = sync_session_next(n->session, n->pair->now, &len))) {
		packet.len = (uint16_t)len;
		if (len > SYNC_DATAGRAM_MAX || ++count > SYNC_WINDOW_MAX + 2)
			breaks(n->pair, "does not stop sending");
		if (n->pair->broken)
			return;
		transmit(n, &packet, bytes);
		n->sent++;
		n->bytes += len;
	}
}

void pair_wake(struct pair *p, int node)
{
	struct pair_node *n = &p->node[node];

	n->wake_at = SYNC_NEVER;
	if (n->is_paused)
		return;
	plant_before(n);
	drain(n);
	n->wake_at = sync_session_deadline(n->session, p->now);
	if (p->plant == PLANT_SPINS && n->wake_at != SYNC_NEVER)
		n->wake_at = p->now;
	if (n->wake_at <= p->now)
		breaks(p, "spins: a deadline that is over, and nothing to do");
	if (!n->believed) {
		hello(n);
		n->wake_at = n->hello_at;
	}
}

static void believe(struct pair_node *n, uint64_t boot)
{
	struct sync_in *in = &n->session->in;
	uint64_t next = in->next, una = n->session->out.window.next;

	n->believed = boot;
	n->written = n->applied = 0;
	sync_session_reset(n->session, boot, n->pair->now);
	if (n->pair->plant == PLANT_RECEIVER_STAYS)
		in->next = next;
	if (n->pair->plant == PLANT_SENDER_STAYS)
		n->session->out.window.una = n->session->out.window.next = una;
}

static void hear_hello(struct pair_node *n, const struct pair_packet *packet)
{
	bool is_proof = n->challenge && packet->echo == n->challenge;
	bool is_news = is_proof && n->believed != packet->from_boot;

	n->peer_challenge = packet->challenge;
	if (is_news)
		believe(n, packet->from_boot);
	if (is_proof)
		n->challenge = 0; /* good for one */
	if (is_news || !is_proof) {
		n->hello_at = is_news ? n->pair->now : n->hello_at;
		hello(n);
	}
}

static void hear(struct pair_node *n, struct pair_packet *packet)
{
	if (n->is_paused)
		return;
	if (packet->is_hello) {
		hear_hello(n, packet);
	} else if (packet->from_boot != n->believed || packet->to_boot != n->boot) {
		hello(n);
	} else {
		if (n->pair->plant == PLANT_ACK_LIES && packet->bytes[1] == SYNC_ACK)
			for (int i = 0; i < 8; i++) {
				packet->bytes[8 + i] =
					(uint8_t)((n->session->out.window.next - 1) >> (56 - 8 * i));
				packet->bytes[20 + i] = 0;
			}
		if (sync_session_input(n->session, packet->bytes, packet->len, n->pair->now))
			breaks(n->pair, "a good datagram was refused");
	}
	pair_wake(n->pair, n->me);
}

void pair_change(struct pair *p, int node, uint32_t flow, bool ends)
{
	struct pair_node *n = &p->node[node];
	struct pair_flow *f = &n->flows[flow];

	f->mine = ends ? 0 : (uint32_t)++n->changed;
	if (f->queued)
		return;
	f->changed_at = p->now;
	f->queued = true;
	n->queue[(n->queue_head + n->queue_count++) % p->flow_count] = flow;
}

void pair_restart(struct pair *p, int node, bool keeps_flows)
{
	struct pair_node *n = &p->node[node];

	n->boot = draw(p) | 1;
	n->believed = n->challenge = n->peer_challenge = 0;
	n->hello_at = p->now;
	n->queue_head = n->queue_count = 0;
	sync_session_reset(n->session, 0, p->now);
	for (uint32_t i = 0; i < p->flow_count; i++) {
		n->flows[i].copy = n->flows[i].named = 0;
		n->flows[i].queued = false;
		n->flows[i].changed_at = p->now;
		if (!keeps_flows)
			n->flows[i].mine = 0;
	}
	n->bulk = 0;
	n->in_bulk = false;
	pair_wake(p, node);
}

struct pair *pair_new(uint64_t seed, uint32_t flows, const struct sync_session_config *config)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->random = seed;
	p->now = PAIR_SECOND;
	p->flow_count = flows;
	p->delay_ns = PAIR_MS / 5;
	for (uint32_t i = 0; i < PAIR_PACKETS; i++)
		p->free_list[p->free_count++] = i;
	for (int i = 0; i < 2; i++) {
		struct pair_node *n = &p->node[i];

		n->pair = p;
		n->me = i;
		n->flows = calloc(flows, sizeof(*n->flows));
		n->queue = calloc(flows, sizeof(*n->queue));
		if (sync_session_open(&n->session, config, &source, &target, n))
			abort();
	}
	for (int i = 0; i < 2; i++)
		pair_restart(p, i, true);
	return p;
}

void pair_free(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		sync_session_close(p->node[i].session);
		free(p->node[i].flows);
		free(p->node[i].queue);
	}
	free(p);
}

static void change_something(struct pair *p, int node)
{
	int64_t many = pair_between(p, 1, 8);

	for (int64_t i = 0; i < many; i++)
		pair_change(
			p, node, (uint32_t)pair_between(p, 0, p->flow_count - 1), pair_between(p, 0, 2) == 0);
	p->change_at[node] = p->now + pair_between(p, 1, 2 * many * p->change_every_ns[node]);
	if (pair_between(p, 0, 63) == 0)
		check_in_sync(&p->node[node]);
}

void pair_run(struct pair *p, int64_t until)
{
	while (!p->broken) {
		int64_t at = p->heap_count ? p->heap[0].at : SYNC_NEVER;
		int what = 4;

		for (int i = 0; i < 2; i++) {
			if (p->change_every_ns[i] && p->change_at[i] < at)
				at = p->change_at[i], what = i;
			if (!p->node[i].is_paused && p->node[i].wake_at < at)
				at = p->node[i].wake_at, what = 2 + i;
		}
		if (at > until)
			break;
		if (at > p->now)
			p->now = at;
		if (what < 2) {
			change_something(p, what);
			pair_wake(p, what);
		} else if (what < 4) {
			pair_wake(p, what - 2);
		} else {
			struct pair_event e = heap_pop(p);

			hear(&p->node[p->packet[e.packet].to], &p->packet[e.packet]);
			p->free_list[p->free_count++] = e.packet;
		}
	}
	p->now = until;
}

const char *pair_differs(struct pair *p)
{
	for (int i = 0; i < 2; i++) {
		struct pair_node *n = &p->node[i];

		if (!is_mutual(n))
			return "no session";
		if (sync_out_why(&n->session->out, p->now) != SYNC_WHY_IN_SYNC)
			return "a sender does not say in sync";
		if (sync_in_why(&n->session->in, p->now) != SYNC_WHY_IN_SYNC)
			return "a receiver does not say in sync";
		for (uint32_t k = 0; k < p->flow_count; k++)
			if (n->flows[k].mine != other(n)->flows[k].copy)
				return "a copy differs";
	}
	return NULL;
}
