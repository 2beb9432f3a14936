/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_sync_flow.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#define TCP 6
#define UDP 17

/* ---- time ---- */

uint32_t lb_sync_idle_s(uint32_t used, uint32_t now, uint32_t hz, bool up)
{
	uint32_t idle = now - used;

	return (int32_t)idle <= 0 ? 0 : (up ? idle + hz - 1 : idle) / hz;
}

uint32_t lb_sync_used(uint32_t idle_s, uint32_t now, uint32_t hz)
{
	uint64_t idle = (uint64_t)(idle_s < LB_SYNC_IDLE_MAX_S ? idle_s : LB_SYNC_IDLE_MAX_S) * hz;

	return now - (uint32_t)(idle < INT32_MAX ? idle : INT32_MAX);
}

/* ---- there ---- */

/* 0: not told. */
static uint8_t told_as(uint8_t state)
{
	switch (state) {
	case LB_FLOW_ESTABLISHED:
		return SYNC_TCP_ESTABLISHED;
	case LB_FLOW_FIN_CLIENT:
		return SYNC_TCP_HALF_CLOSED_CLIENT;
	case LB_FLOW_FIN_BACKEND:
		return SYNC_TCP_HALF_CLOSED_BACKEND;
	case LB_FLOW_UDP:
		return SYNC_UDP;
	default:
		return 0;
	}
}

bool lb_sync_state_is_told(uint8_t state)
{
	return told_as(state) != 0;
}

bool lb_sync_flow_tell(
	const struct lb_flow *f, bool v6, uint32_t now, uint32_t hz, uint8_t hand, struct sync_flow *out)
{
	const struct lb_flow4 *f4 = (const struct lb_flow4 *)f;
	const struct lb_flow6 *f6 = (const struct lb_flow6 *)f;
	uint8_t state = told_as(f->state);

	if (!state)
		return false;
	memset(out, 0, sizeof(*out));
	out->family = v6 ? AF_INET6 : AF_INET;
	out->protocol = f->protocol;
	out->state = state;
	out->hand = hand;
	out->client_port = ntohs(f->client_port);
	out->service_port = ntohs(f->service_port);
	out->backend_port = ntohs(f->backend_port);
	memcpy(out->client, v6 ? f6->client : &f4->client, v6 ? 16 : 4);
	memcpy(out->service, v6 ? f6->service : &f4->service, v6 ? 16 : 4);
	memcpy(out->backend, v6 ? f6->backend : &f4->backend, v6 ? 16 : 4);
	out->idle_s = lb_sync_idle_s(f->last_seen, now, hz, hand != SYNC_FIRST_HAND);
	out->backend_isn = f->backend_isn;
	return true;
}

void lb_sync_flow_tell_end(const struct sync_change_end *end, struct sync_flow *out)
{
	size_t length = end->family == 6 ? 16 : 4;

	memset(out, 0, sizeof(*out));
	out->family = end->family == 6 ? AF_INET6 : AF_INET;
	out->protocol = end->protocol;
	out->client_port = ntohs(end->client_port);
	out->service_port = ntohs(end->service_port);
	out->backend_port = ntohs(end->backend_port);
	memcpy(out->client, end->client, length);
	memcpy(out->service, end->service, length);
	memcpy(out->backend, end->backend, length);
}

/* ---- and here ---- */

/* 0: it cannot be. */
static uint8_t taken_as(const struct sync_flow *flow)
{
	if (flow->protocol == UDP)
		return flow->state == SYNC_UDP ? LB_FLOW_UDP : 0;
	if (flow->protocol != TCP)
		return 0;
	switch (flow->state) {
	case SYNC_TCP_ESTABLISHED:
		return LB_FLOW_ESTABLISHED;
	case SYNC_TCP_HALF_CLOSED_CLIENT:
		return LB_FLOW_FIN_CLIENT;
	case SYNC_TCP_HALF_CLOSED_BACKEND:
		return LB_FLOW_FIN_BACKEND;
	default:
		return 0;
	}
}

static int take_tuple(const struct sync_flow *flow, struct lb_install *out)
{
	struct net_addr client = {.family = flow->family};
	size_t length = flow->family == AF_INET6 ? 16 : 4;

	memset(out, 0, sizeof(*out));
	if (flow->family != AF_INET && flow->family != AF_INET6)
		return -EINVAL;
	if (flow->protocol != TCP && flow->protocol != UDP)
		return -EINVAL;
	memcpy(client.bytes, flow->client, length);
	/* A link-local client is one; what nobody can send from is none. */
	if (addr_is_unusable(&client) &&
		!(flow->family == AF_INET6 && client.bytes[0] == 0xfe && (client.bytes[1] & 0xc0) == 0x80))
		return -EINVAL;
	if (!flow->service_port || !flow->backend_port)
		return -EINVAL;
	out->family = flow->family == AF_INET6 ? 6 : 4;
	out->protocol = flow->protocol;
	out->client_port = htons(flow->client_port);
	out->service_port = htons(flow->service_port);
	out->backend_port = htons(flow->backend_port);
	memcpy(out->client, flow->client, length);
	memcpy(out->service_addr, flow->service, length);
	memcpy(out->backend_addr, flow->backend, length);
	return 0;
}

int lb_sync_flow_put(const struct sync_flow *flow, uint32_t now, uint32_t hz, struct lb_install *out)
{
	uint8_t state = taken_as(flow);

	if (!state || take_tuple(flow, out))
		return -EINVAL;
	out->op = LB_INSTALL_PUT;
	out->state = state;
	out->flags = flow->hand != SYNC_FIRST_HAND ? LB_INSTALL_SECOND_HAND : 0;
	out->last_seen = lb_sync_used(flow->idle_s, now, hz);
	out->backend_isn = flow->protocol == TCP ? flow->backend_isn : 0;
	return 0;
}

int lb_sync_flow_end(const struct sync_flow *flow, struct lb_install *out)
{
	if (take_tuple(flow, out))
		return -EINVAL;
	out->op = LB_INSTALL_END;
	return 0;
}

/* ---- sticky sources ---- */

static bool is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

/* As the dataplane's lb_sticky_use(): a home that is away keeps its claim until its own timeout. */
bool lb_sync_sticky_merge(
	struct lb_sticky_entry *e, bool exists, uint16_t backend, uint32_t used, uint32_t timeout)
{
	if (!exists) {
		*e = (struct lb_sticky_entry){
			.home = backend, .stand_in = LB_NO_BACKEND, .home_used = used, .stand_in_used = used};
		return true;
	}
	if (e->home == backend) {
		if (!is_later(used, e->home_used))
			return false;
		e->home_used = used;
		return true;
	}
	if (!is_later(used, e->home_used))
		return false;
	if (used - e->home_used > timeout) {
		e->home = backend;
		e->home_used = used;
		return true;
	}
	if (e->stand_in != LB_NO_BACKEND && !is_later(used, e->stand_in_used))
		return false;
	e->stand_in = backend;
	e->stand_in_used = used;
	return true;
}
