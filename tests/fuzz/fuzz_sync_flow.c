/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as datagrams of flow records, each behind its length in two bytes, up to what would be given to the dataplane:
 * every command that comes out is one that the dataplane may be given, and a record that was told again from it says no less
 * than the first.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lb/lb_names.h"
#include "lb/lb_sync_flow.h"

#define HZ 250

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct lb_names names;
static struct lb_sticky_entry entry;
static bool has_entry;

static void must(bool held)
{
	if (!held)
		abort();
}

/* Two services and their backends: 10.0.0.100:80 and fd00::100:80 over 10.1.0.1:8080 and fd01::1:8080. */
static void open_names(void)
{
	struct lb_names_sizes sizes = {
		.services = 2, .pools = 2, .backends = 2, .pool_indexes = 2, .backend_indexes = 2};
	struct lb_names_service s = {
		.addr = {AF_INET, {10, 0, 0, 100}}, .port = 80, .protocol = 6, .index = 1, .pool = 1};
	struct lb_names_backend b = {.addr = {AF_INET, {10, 1, 0, 1}}, .port = 8080, .index = 1, .pool = 1};

	must(lb_names_open(&names, &sizes) == 0);
	lb_names_add_pool(&names, "web", 1);
	lb_names_add_pool(&names, "web6", 0);
	lb_names_add_service(&names, &s);
	lb_names_add_backend(&names, &b);
	s.addr = (struct net_addr){AF_INET6, {0xfd, [14] = 1}};
	s.index = s.pool = 0;
	b.addr = (struct net_addr){AF_INET6, {0xfd, 1, [15] = 1}};
	b.index = 0;
	b.pool = 0;
	lb_names_add_service(&names, &s);
	lb_names_add_backend(&names, &b);
}

static void check_tuple(const struct lb_install *i)
{
	must(i->family == 4 || i->family == 6);
	must(i->protocol == 6 || i->protocol == 17);
	must(i->service_port && i->backend_port);
	if (i->family == 4)
		must(!i->client[1] && !i->client[2] && !i->client[3] && !i->backend_addr[1] &&
			!i->service_addr[3]);
}

/* As the other node would tell it, were it its own. */
static void check_back(const struct lb_install *i, const struct sync_flow *flow, uint32_t now)
{
	struct lb_flow6 f6 = {};
	struct lb_flow4 *f4 = (struct lb_flow4 *)&f6;
	struct sync_flow again;

	f6.head = (struct lb_flow){.last_seen = i->last_seen,
		.client_port = i->client_port,
		.service_port = i->service_port,
		.backend_port = i->backend_port,
		.protocol = i->protocol,
		.state = i->state,
		.backend_isn = i->backend_isn};
	memcpy(i->family == 6 ? f6.client : &f4->client, i->client, i->family == 6 ? 16 : 4);
	memcpy(i->family == 6 ? f6.service : &f4->service, i->service_addr, i->family == 6 ? 16 : 4);
	memcpy(i->family == 6 ? f6.backend : &f4->backend, i->backend_addr, i->family == 6 ? 16 : 4);
	must(lb_sync_flow_tell(&f6.head, i->family == 6, now, HZ, flow->hand, &again));
	must(again.family == flow->family && again.protocol == flow->protocol && again.state == flow->state);
	must(again.client_port == flow->client_port && !memcmp(again.client, flow->client, 16));
	must(!memcmp(again.backend, flow->backend, 16) && !memcmp(again.service, flow->service, 16));
	must(flow->idle_s > LB_SYNC_IDLE_MAX_S || again.idle_s == flow->idle_s);
}

static void take_flow(const struct sync_flow *flow, uint32_t now)
{
	const struct lb_names_service *s =
		lb_names_service(&names, flow->family, flow->service, flow->service_port, flow->protocol);
	long backend = s ? lb_names_backend(&names, s->pool, flow->family, flow->backend, flow->backend_port)
			 : LB_NAMES_NONE;
	struct lb_install i;

	must(!s || s->index < 2);
	must(backend == LB_NAMES_NONE || (backend >= 0 && backend < 2));
	if (lb_sync_flow_put(flow, now, HZ, &i))
		return;
	check_tuple(&i);
	must(i.op == LB_INSTALL_PUT && lb_sync_state_is_told(i.state) && i.id == 0);
	must((i.state == LB_FLOW_UDP) == (i.protocol == 17));
	must((int32_t)(now - i.last_seen) >= 0);
	must((i.flags != 0) == (flow->hand != SYNC_FIRST_HAND));
	check_back(&i, flow, now);
}

static void take_sticky(const struct sync_sticky *s, uint32_t now)
{
	long pool = lb_names_pool(&names, s->pool);
	uint32_t used = lb_sync_used(s->idle_s, now, HZ);
	struct lb_sticky_entry before = entry;

	must(pool == LB_NAMES_NONE || (pool >= 0 && pool < 2));
	must((int32_t)(now - used) >= 0);
	if (lb_sync_sticky_merge(&entry, has_entry, (uint16_t)(s->backend_port % 3), used, 400 * HZ)) {
		must(!has_entry || (int32_t)(entry.home_used - before.home_used) >= 0);
		has_entry = true;
	} else {
		must(has_entry && !memcmp(&entry, &before, sizeof(entry)));
	}
}

static void read_datagram(const uint8_t *bytes, size_t len, uint32_t now)
{
	struct sync_header header;
	struct sync_record record;
	struct sync_reader reader;
	struct lb_install i;

	if (sync_read_begin(&reader, &header, bytes, len))
		return;
	while (sync_read_record(&reader, &record) == 1) {
		if (record.kind == SYNC_FLOW)
			take_flow(&record.flow, now);
		else if (record.kind == SYNC_STICKY)
			take_sticky(&record.sticky, now);
		else if (record.kind == SYNC_FLOW_END && !lb_sync_flow_end(&record.flow, &i))
			check_tuple(&i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t now = 1000;

	if (!names.services)
		open_names();
	has_entry = false;
	memset(&entry, 0, sizeof(entry));
	while (size >= 2) {
		size_t len = (size_t)data[0] << 8 | data[1];

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		len = len < SYNC_DATAGRAM_MAX ? len : SYNC_DATAGRAM_MAX;
		read_datagram(data, len, now);
		now += 0x10000000; /* jiffies wrap within a few */
		data += len;
		size -= len;
	}
	return 0;
}
