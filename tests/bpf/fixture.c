/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "common/log.h"
#include "lb/bpf/lb_state.h"
#include "lb_tc.skel.h"

const uint8_t fixture_link_mac[6] = {2, 0, 0, 0, 0, 1}, fixture_gateway_mac[6] = {2, 0, 0, 0, 0, 2};
int fixture_link_ifindex, fixture_peer_ifindex;

static const char *skip_reason;

/* ---- the namespace ---- */

static const char *const setup =
	"set -e; ip link set lo up; "
	"ip link add out type veth peer name far; "
	"ip link set out address 02:00:00:00:00:01; ip link set far address 02:00:00:00:00:02; "
	"sysctl -qw net.ipv4.conf.all.forwarding=1 net.ipv6.conf.all.forwarding=1 "
	"net.ipv6.conf.out.accept_dad=0 net.ipv6.conf.far.disable_ipv6=1 net.ipv4.conf.far.forwarding=0; "
	"ip link set out up; ip link set far up; "
	"ip addr add 192.0.2.1/24 dev out; ip addr add fd00:ffff::1/64 dev out nodad; "
	"ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev out nud permanent; "
	"ip neigh add fd00:ffff::2 lladdr 02:00:00:00:00:02 dev out nud permanent; "
	"ip route add default via 192.0.2.2; ip -6 route add default via fd00:ffff::2; "
	"ip route add unreachable 198.51.100.0/24; ip route add 203.0.113.0/24 dev out";

bool fixture_enter(const char *program)
{
	struct lb_bpf b;
	struct lb_bpf_sizes small = {.flows = 16,
		.half_open = 16,
		.services = 1,
		.pools = 1,
		.backends = 1,
		.sticky = 1,
		.table_slots = 16};
	int err;

	log_open(program, LOG_LEVEL_WARN);
	if (unshare(CLONE_NEWNET)) {
		skip_reason = "no permission to make a network namespace (run as root)";
		return false;
	}
	err = lb_bpf_open(&b, &small, NULL, false);
	if (err == -EPERM || err == -EACCES || err == -ENOSYS) {
		skip_reason = "bpf() is not permitted here";
		return false;
	}
	if (!err)
		lb_bpf_close(&b); /* any other failure is for the tests to show */
	if (system(setup)) {
		fprintf(stderr, "%s: the test's network namespace could not be set up (ip, sysctl, veth)\n",
			program);
		exit(1);
	}
	fixture_link_ifindex = (int)if_nametoindex("out");
	fixture_peer_ifindex = (int)if_nametoindex("far");
	return true;
}

int fixture_skip(void)
{
	printf("1..0 # SKIP %s\n", skip_reason);
	return 0;
}

/* ---- chance ---- */

uint64_t fixture_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

uint32_t fixture_below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)((fixture_random(state) >> 32) % limit);
}

uint64_t fixture_seed(void)
{
	const char *given = getenv("TANDEM_SEED");
	uint64_t seed = 0;

	if (given)
		seed = strtoull(given, NULL, 0);
	else if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint64_t)getpid();
	seed = seed ? seed : 1;
	/* stderr: prove shows it also when all is well, and a failure can be replayed. */
	fprintf(stderr, "# TANDEM_SEED=%#llx\n", (unsigned long long)seed);
	return seed;
}

/* ---- the dataplane ---- */

void fixture_open(struct fixture *x, uint32_t flows, uint32_t half_open)
{
	struct lb_bpf_sizes sizes = {.flows = flows,
		.half_open = half_open,
		.services = FIXTURE_SERVICES,
		.pools = FIXTURE_SERVICES,
		.backends = FIXTURE_BACKENDS,
		.sticky = 64,
		.table_slots = 65536};
	struct lb_link *link;

	memset(x, 0, sizeof(*x));
	assert_int_equal(lb_bpf_open(&x->b, &sizes, NULL, false), 0);
	link = &x->b.view.links[0];
	link->ifindex = (uint32_t)fixture_link_ifindex;
	link->mtu = 1500;
	memcpy(link->mac, fixture_link_mac, 6);
	assert_int_equal(lb_bpf_set_link_key(&x->b, link->ifindex, 0), 0);
}

void fixture_close(struct fixture *x)
{
	if (x->attached)
		lb_bpf_detach(&x->b, fixture_link_ifindex);
	x->attached = false;
	lb_bpf_close(&x->b);
}

void fixture_attach(struct fixture *x)
{
	assert_int_equal(lb_bpf_attach(&x->b, fixture_link_ifindex, "out"), 0);
	x->attached = true;
}

uint32_t fixture_pool(struct fixture *x, enum lb_pick pick)
{
	uint32_t at = x->pool_count++;

	assert_true(at < FIXTURE_SERVICES);
	x->b.view.pools[at] = (struct lb_pool_entry){.pick = pick, .hash_seed = 0x5eed};
	return at;
}

void fixture_table(struct fixture *x, uint32_t pool, const uint16_t *backends, uint32_t count)
{
	uint32_t base = x->slot_count;

	assert_true(base + count <= x->b.sizes.table_slots);
	memcpy(x->b.view.table_slots + base, backends, count * sizeof(*backends));
	x->slot_count += count;
	x->b.view.pools[pool].table = (uint64_t)base << 32 | count;
}

static struct net_addr net_addr_of(int family, const struct endpoint *at)
{
	struct net_addr a = {.family = family == 6 ? AF_INET6 : AF_INET};

	memcpy(a.bytes, at->addr, family == 6 ? 16 : 4);
	return a;
}

uint32_t fixture_backend(
	struct fixture *x, uint32_t pool, int family, const struct endpoint *at, uint32_t weight)
{
	uint32_t index = x->backend_count++;
	uint64_t table = x->b.view.pools[pool].table;
	struct net_addr a = net_addr_of(family, at);
	uint16_t members[FIXTURE_BACKENDS];
	uint32_t count = (uint32_t)table;
	struct lb_backend_entry *b;

	assert_true(index < FIXTURE_BACKENDS && count < FIXTURE_BACKENDS);
	b = &x->b.view.backends[index];
	memcpy(b->addr, at->addr, sizeof(b->addr));
	b->port = htons(at->port);
	b->epoch = 1;
	b->weight = weight;
	b->pool = pool;
	b->family = (uint8_t)family;
	b->flags = LB_BACKEND_SERVING;
	memcpy(members, x->b.view.table_slots + (table >> 32), count * sizeof(*members));
	members[count] = (uint16_t)index;
	fixture_table(x, pool, members, count + 1);
	assert_int_equal(lb_bpf_set_own_addr(&x->b, &a), 0);
	return index;
}

uint32_t fixture_service(
	struct fixture *x, int family, uint8_t protocol, const struct endpoint *at, uint32_t pool)
{
	uint32_t index = x->service_count++;
	struct net_addr a = net_addr_of(family, at);

	assert_true(index < FIXTURE_SERVICES);
	x->services[index] =
		(struct fixture_service){.family = family, .protocol = protocol, .at = *at, .pool = pool};
	x->b.view.services[index] = (struct lb_service_entry){.pool = pool,
		.protocol = protocol,
		.idle_jiffies = 900 * x->b.view.globals->hz,
		.on_empty = LB_ON_EMPTY_REJECT};
	assert_int_equal(lb_bpf_set_service_key(&x->b, &a, at->port, protocol, index), 0);
	assert_int_equal(lb_bpf_set_own_addr(&x->b, &a), 0);
	return index;
}

int fixture_run_repeat(struct fixture *x, const struct frame *in, struct frame *out, int repeat, uint32_t *ns)
{
	struct __sk_buff context = {.ifindex = x->ingress,
		.ingress_ifindex = x->ingress,
		.gso_size = x->gso_size,
		.gso_segs = x->gso_size ? 2 : 0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = in->length,
		.data_out = out->bytes, .data_size_out = sizeof(out->bytes), .repeat = repeat,
		.ctx_in = &context, .ctx_size_in = sizeof(context));

	if (bpf_prog_test_run_opts(lb_bpf_program_fd(&x->b), &opts))
		fail_msg("BPF_PROG_TEST_RUN of %u bytes: %s", in->length, strerror(errno));
	out->length = opts.data_size_out;
	if (ns)
		*ns = opts.duration;
	return (int)opts.retval;
}

int fixture_run(struct fixture *x, const struct frame *in, struct frame *out)
{
	return fixture_run_repeat(x, in, out, 1, NULL);
}

uint64_t fixture_counter(struct fixture *x, enum lb_counter which)
{
	uint64_t all[LB_COUNTER_COUNT];

	assert_int_equal(lb_bpf_counters(&x->b, all), 0);
	return all[which];
}

/* ---- flows ---- */

struct lb_flow *fixture_flow_at(struct fixture *x, int family, uint32_t id)
{
	return family == 6 ? &x->b.view.flows6[id].head : &x->b.view.flows4[id].head;
}

uint32_t fixture_flow_id(struct fixture *x, int family, const struct lb_flow *f)
{
	return family == 6 ? (uint32_t)((const struct lb_flow6 *)f - x->b.view.flows6)
			   : (uint32_t)((const struct lb_flow4 *)f - x->b.view.flows4);
}

struct lb_flow *fixture_flow(struct fixture *x, int family, uint8_t protocol, const struct endpoint *client,
	const struct endpoint *service)
{
	for (uint32_t id = 0; id < x->b.sizes.flows; id++) {
		struct lb_flow *f = fixture_flow_at(x, family, id);
		const void *c = family == 6 ? (void *)x->b.view.flows6[id].client
					    : (void *)&x->b.view.flows4[id].client;
		const void *s = family == 6 ? (void *)x->b.view.flows6[id].service
					    : (void *)&x->b.view.flows4[id].service;
		size_t bytes = family == 6 ? 16 : 4;

		if (f->state == LB_FLOW_FREE || f->protocol != protocol ||
			f->client_port != htons(client->port) || memcmp(c, client->addr, bytes))
			continue;
		if (!service || (f->service_port == htons(service->port) && !memcmp(s, service->addr, bytes)))
			return f;
	}
	return NULL;
}

uint32_t fixture_flow_count(struct fixture *x, int family)
{
	uint32_t count = 0;

	for (uint32_t id = 0; id < x->b.sizes.flows; id++)
		count += fixture_flow_at(x, family, id)->state != LB_FLOW_FREE;
	return count;
}

uint32_t fixture_index_count(struct fixture *x, int family)
{
	struct bpf_map *map = family == 6 ? x->b.skel->maps.index6 : x->b.skel->maps.index4;
	uint32_t bucket[2 + LB_BUCKET_SLOTS], count = 0; /* lock, version, slots */

	for (uint32_t at = 0; at < bpf_map__max_entries(map); at++) {
		assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(map), &at, bucket), 0);
		for (int i = 0; i < LB_BUCKET_SLOTS; i++)
			count += bucket[2 + i] != 0;
	}
	return count;
}

uint32_t fixture_live_count(struct fixture *x, uint32_t backend)
{
	uint32_t count = 0;

	for (uint32_t id = 0; id < x->b.sizes.flows; id++)
		for (int family = 4; family <= 6; family += 2) {
			struct lb_flow *f = fixture_flow_at(x, family, id);

			count += f->state != LB_FLOW_FREE && f->backend == backend &&
				 lb_flow_is_live(f->state);
		}
	return count;
}

bool fixture_control(struct fixture *x, enum lb_control_op op, int family, const struct lb_flow *f)
{
	struct lb_control *c = &x->b.view.control[0];

	*c = (struct lb_control){.op = op,
		.family = (uint32_t)family,
		.id = fixture_flow_id(x, family, f),
		.generation = f->generation,
		.last_seen = f->last_seen};
	assert_int_equal(lb_bpf_control(&x->b, 1), 0);
	return c->op == LB_CONTROL_DONE;
}

void fixture_remove_all(struct fixture *x)
{
	for (int family = 4; family <= 6; family += 2) {
		for (uint32_t id = 0; id < x->b.sizes.flows;) {
			uint32_t count = 0;

			for (; id < x->b.sizes.flows && count < LB_CONTROL_MAX; id++) {
				struct lb_flow *f = fixture_flow_at(x, family, id);

				if (f->state != LB_FLOW_FREE)
					x->b.view.control[count++] =
						(struct lb_control){.op = LB_CONTROL_REMOVE,
							.family = (uint32_t)family,
							.id = id,
							.generation = f->generation};
			}
			assert_int_equal(lb_bpf_control(&x->b, count), 0);
			while (count--)
				assert_int_equal(x->b.view.control[count].op, LB_CONTROL_DONE);
		}
	}
}

struct packet_spec fixture_packet(
	int family, uint8_t protocol, const struct endpoint *from, const struct endpoint *to, uint8_t flags)
{
	struct packet_spec s = {.family = family,
		.protocol = protocol,
		.tcp_flags = flags,
		.from = *from,
		.to = *to,
		.seq = 1000,
		.ack = flags & TCP_ACK ? 5001 : 0,
		.payload = 20,
		.fill = 7,
		.dont_fragment = true};

	if (protocol == IPPROTO_TCP && flags & (TCP_SYN | TCP_FIN | TCP_RST))
		s.payload = 0;
	return s;
}

struct endpoint fixture_endpoint(int family, uint8_t net, uint8_t host, uint16_t port)
{
	struct endpoint e = {.port = port};

	if (family == 4)
		address4(e.addr, 10, net, 0, host);
	else
		address6(e.addr, net, host);
	return e;
}

struct lb_flow *fixture_flow_of(struct fixture *x, uint32_t service, const struct endpoint *client)
{
	const struct fixture_service *s = &x->services[service];

	return fixture_flow(x, s->family, s->protocol, client, &s->at);
}

int fixture_say(struct fixture *x, uint32_t service, const struct endpoint *client,
	enum lb_direction direction, uint8_t flags, uint32_t seq, uint32_t ack, struct frame *out)
{
	const struct fixture_service *s = &x->services[service];
	struct lb_flow *f = fixture_flow_of(x, service, client);
	struct endpoint backend = {.port = 9};
	struct packet_spec p;
	struct frame in, unused;

	if (direction == LB_TO_CLIENT) {
		assert_non_null(f);
		memcpy(backend.addr, x->b.view.backends[f->backend].addr, sizeof(backend.addr));
		backend.port = ntohs(f->backend_port);
	}
	p = fixture_packet(s->family, s->protocol, direction == LB_TO_BACKEND ? client : &backend,
		direction == LB_TO_BACKEND ? &s->at : client, flags);
	p.seq = seq;
	p.ack = ack;
	packet_build(&p, &in);
	return fixture_run(x, &in, out ? out : &unused);
}

int fixture_connect(struct fixture *x, uint32_t service, const struct endpoint *client)
{
	struct lb_flow *f;

	fixture_say(x, service, client, LB_TO_BACKEND, TCP_SYN, 100, 0, NULL);
	f = fixture_flow_of(x, service, client);
	return f ? f->backend : -1;
}

void fixture_establish(struct fixture *x, uint32_t service, const struct endpoint *client)
{
	assert_int_equal(fixture_say(x, service, client, LB_TO_CLIENT, TCP_SYN | TCP_ACK, 5000, 101, NULL),
		VERDICT_REDIRECT);
	assert_int_equal(
		fixture_say(x, service, client, LB_TO_BACKEND, TCP_ACK, 101, 5001, NULL), VERDICT_REDIRECT);
}

/* ---- sticky sources ---- */

static uint32_t each_sticky(struct bpf_map *map, uint32_t age)
{
	int fd = bpf_map__fd(map);
	struct lb_sticky_key keys[256];
	struct lb_sticky_entry e;
	uint32_t count = 0;

	while (count < 256 && !bpf_map_get_next_key(fd, count ? &keys[count - 1] : NULL, &keys[count]))
		count++;
	for (uint32_t i = 0; age && i < count; i++) {
		if (bpf_map_lookup_elem(fd, &keys[i], &e))
			continue;
		e.home_used -= age;
		e.stand_in_used -= age;
		assert_int_equal(bpf_map_update_elem(fd, &keys[i], &e, BPF_EXIST), 0);
	}
	return count;
}

void fixture_sticky_age(struct fixture *x, uint32_t jiffies)
{
	each_sticky(x->b.skel->maps.sticky, jiffies);
	each_sticky(x->b.skel->maps.sticky_new, jiffies);
}

uint32_t fixture_sticky_count(struct fixture *x, bool confirmed)
{
	return each_sticky(confirmed ? x->b.skel->maps.sticky : x->b.skel->maps.sticky_new, 0);
}
