/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Real connections through the dataplane, from a client's namespace to a backend's, all in this process; then
 * the backend's are reset: both ends must hear of it at once, and nobody else. Needs root.
 */
#include "netns_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lb/lb_reset.h"

#define MANY 700 /* more than one slice dooms, over both families */
#define FEW  8

enum { BALANCER, CLIENT, BACKEND, NAMESPACES };

static int ns[NAMESPACES];
static struct lb_bpf bpf;

static void enter(int which)
{
	assert_int_equal(setns(ns[which], CLONE_NEWNET), 0);
}

static int make_namespace(bool first)
{
	if (!first && unshare(CLONE_NEWNET))
		fail_msg("unshare");
	sh("ip link set lo up; echo 0 > /proc/sys/net/ipv6/conf/default/accept_dad");
	return open(
		"/proc/self/ns/net", O_RDONLY); /* open in children: their `ip` finds it by this process */
}

/* A veth from the balancer to that namespace: 10.9.N.1 and fd09:N::1 here, ...2 there. */
static void wire(int which, const char *name)
{
	enter(BALANCER);
	sh("ip link add %s address 02:00:00:00:00:%02d type veth peer name eth0 netns /proc/%d/fd/%d", name,
		which, (int)getpid(), ns[which]);
	sh("ip link set %s up; ip addr add 10.9.%d.1/24 dev %s; ip addr add fd09:%d::1/64 dev %s nodad", name,
		which, name, which, name);
	sh("sysctl -qw net/ipv4/conf/%s/forwarding=1 net/ipv6/conf/all/forwarding=1", name);
	enter(which);
	sh("ip link set eth0 up; ip addr add 10.9.%d.2/24 dev eth0; ip addr add fd09:%d::2/64 dev eth0 nodad",
		which, which);
	sh("ip route add default via 10.9.%d.1; ip -6 route add default via fd09:%d::1", which, which);
	enter(BALANCER);
	bpf.view.links[which] = (struct lb_link){
		.ifindex = if_nametoindex(name), .mtu = 1500, .mac = {2, 0, 0, 0, 0, (uint8_t)which}};
	assert_int_equal(lb_bpf_set_link_key(&bpf, if_nametoindex(name), (uint32_t)which), 0);
	assert_int_equal(lb_bpf_attach(&bpf, (int)if_nametoindex(name), name), 0);
}

/* Services 0 and 1 (IPv4 and IPv6) at port 80 have backends 0 and 1, service 2 at port 81 has backend 2. */
static void serve(uint32_t at, const char *service, uint16_t port, const char *backend, uint16_t backend_port)
{
	struct lb_bpf_view *v = &bpf.view;
	struct net_addr addr;

	assert_int_equal(addr_parse(backend, &addr), 0);
	v->backends[at] = (struct lb_backend_entry){.port = htons(backend_port),
		.flags = LB_BACKEND_SERVING,
		.weight = 1,
		.pool = at,
		.family = addr.family == AF_INET6 ? 6 : 4,
		.epoch = 1};
	memcpy(v->backends[at].addr, addr.bytes, 16);
	v->table_slots[at] = (uint16_t)at;
	v->pools[at] = (struct lb_pool_entry){.table = (uint64_t)at << 32 | 1, .pick = LB_PICK_NEXT};
	v->services[at] =
		(struct lb_service_entry){.pool = at, .idle_jiffies = 1000 * v->globals->hz, .protocol = 6};
	assert_int_equal(addr_parse(service, &addr), 0);
	assert_int_equal(lb_bpf_set_service_key(&bpf, &addr, port, 6, at), 0);
}

struct conn {
	int client, server;
};

static int tcp_socket(int which, int family)
{
	enter(which);

	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	enter(BALANCER);
	assert_true(fd >= 0);
	return fd;
}

static int listen_on(const char *text, uint16_t port)
{
	struct sockaddr_storage at;
	struct net_addr addr;
	socklen_t length;

	assert_int_equal(addr_parse(text, &addr), 0);
	length = addr_to_sockaddr(&addr, port, &at);

	int fd = tcp_socket(BACKEND, addr.family);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
	assert_int_equal(listen(fd, 64), 0);
	return fd;
}

static struct conn connect_to(int listener, const char *text, uint16_t port)
{
	struct timeval patience = {.tv_sec = 10};
	struct sockaddr_storage at;
	struct net_addr addr;
	struct conn c;
	char byte = 'x';

	assert_int_equal(addr_parse(text, &addr), 0);
	c.client = tcp_socket(CLIENT, addr.family);
	setsockopt(c.client, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(c.client, (struct sockaddr *)&at, addr_to_sockaddr(&addr, port, &at)), 0);
	c.server = accept(listener, NULL, NULL);
	assert_true(c.server >= 0);
	setsockopt(c.server, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(send(c.client, &byte, 1, MSG_NOSIGNAL), 1);
	assert_int_equal(recv(c.server, &byte, 1, 0), 1);
	return c;
}

/* 1: reset; 0: alive; anything else is neither. */
static int was_reset(int fd)
{
	char byte;

	if (recv(fd, &byte, 1, MSG_DONTWAIT) < 0)
		return errno == ECONNRESET ? 1 : errno == EAGAIN ? 0 : -errno;
	return -EPROTO;
}

struct conns {
	struct conn *list;
	int count;
};

static bool has_ended(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static bool all_ended(void *data)
{
	const struct conns *c = data;

	for (int i = 0; i < c->count; i++)
		if (!has_ended(c->list[i].client) || !has_ended(c->list[i].server))
			return false;
	return true;
}

static void on_tick(struct ev_loop *l, ev_timer *timer, int events) {}

static void reset_and_wait(struct conns *wanted, bool both)
{
	struct lb_reset *reset;
	ev_timer tick; /* the ends are looked at, not watched */

	assert_int_equal(lb_reset_open(&reset, loop, &bpf), 0);
	lb_reset_backend(reset, 0);
	if (both)
		lb_reset_backend(reset, 1);
	ev_timer_init(&tick, on_tick, 0.01, 0.01);
	ev_timer_start(loop, &tick);
	until(all_ended, wanted);
	ev_timer_stop(loop, &tick);
	lb_reset_close(reset);
}

static void expect(const struct conn *list, int count, int reset)
{
	for (int i = 0; i < count; i++) {
		assert_int_equal(was_reset(list[i].client), reset);
		assert_int_equal(was_reset(list[i].server), reset);
	}
}

static void close_conns(struct conn *list, int count)
{
	for (int i = 0; i < count; i++) {
		close(list[i].client);
		close(list[i].server);
	}
}

static void test_both_ends_hear_and_nobody_else(void **state)
{
	static struct conn old[MANY], others[FEW], fresh[FEW];
	struct conns wanted = {old, MANY};
	int v4 = listen_on("10.9.2.2", 8080), v6 = listen_on("fd09:2::2", 8080),
	    other = listen_on("10.9.2.2", 8081);

	for (int i = 0; i < MANY; i++)
		old[i] = i % 2 ? connect_to(v6, "fd09:80::1", 80) : connect_to(v4, "10.80.0.1", 80);
	for (int i = 0; i < FEW; i++)
		others[i] = connect_to(other, "10.80.0.1", 81);
	bpf.view.backends[0].epoch++;
	bpf.view.backends[1].epoch++;
	for (int i = 0; i < FEW; i++)
		fresh[i] = connect_to(v4, "10.80.0.1", 80);
	reset_and_wait(&wanted, true);
	expect(old, MANY, 1);
	expect(others, FEW, 0);
	expect(fresh, FEW, 0);
	assert_int_equal(bpf.view.backends[0].active, FEW);
	assert_int_equal(bpf.view.backends[1].active, 0);
	assert_int_equal(bpf.view.backends[2].active, FEW);
	close_conns(old, MANY);
	close_conns(others, FEW);
	close_conns(fresh, FEW);
	close(v4);
	close(v6);
	close(other);
}

/* A client that does not speak RFC 7323's timestamps. */
static void test_without_timestamps(void **state)
{
	struct conn old[FEW];
	struct conns wanted = {old, FEW};
	int v4 = listen_on("10.9.2.2", 8080);

	enter(CLIENT);
	sh("echo 0 > /proc/sys/net/ipv4/tcp_timestamps");
	for (int i = 0; i < FEW; i++)
		old[i] = connect_to(v4, "10.80.0.1", 80);
	bpf.view.backends[0].epoch++;
	reset_and_wait(&wanted, false);
	expect(old, FEW, 1);
	close_conns(old, FEW);
	close(v4);
}

/* The backend itself is gone: its client learns it all the same. */
static void test_dead_backend(void **state)
{
	struct conn old[FEW];
	int v4 = listen_on("10.9.2.2", 8080);

	for (int i = 0; i < FEW; i++)
		old[i] = connect_to(v4, "10.80.0.1", 80);
	enter(BACKEND);
	sh("ip link set eth0 down");
	enter(BALANCER);
	bpf.view.backends[0].epoch++;

	struct conn clients[FEW];
	struct conns wanted = {clients, FEW};

	for (int i = 0; i < FEW; i++)
		clients[i] = (struct conn){old[i].client, old[i].client};
	reset_and_wait(&wanted, false);
	for (int i = 0; i < FEW; i++)
		assert_int_equal(was_reset(old[i].client), 1);
	close_conns(old, FEW);
	close(v4);
}

/* What the other node of a pair forwards is left to it, however its backend looks from here, unless the address is here. */
static void test_a_copy_is_not_ours_to_reset(void **state)
{
	struct conn old[FEW];
	struct conns wanted = {old, FEW / 2};
	int v4 = listen_on("10.9.2.2", 8080);
	uint32_t copies = 0;

	for (int i = 0; i < FEW; i++)
		old[i] = connect_to(v4, "10.80.0.1", 80);
	for (int i = FEW / 2; i < FEW; i++) {
		struct sockaddr_in at;
		socklen_t length = sizeof(at);

		assert_int_equal(getsockname(old[i].client, (struct sockaddr *)&at, &length), 0);
		for (uint32_t id = 0; id < bpf.sizes.flows; id++) {
			struct lb_flow *f = &bpf.view.flows4[id].head;

			if (f->state == LB_FLOW_ESTABLISHED && f->client_port == at.sin_port) {
				f->flags = LB_FLOW_COPY;
				f->lease = 7;
				copies++;
			}
		}
	}
	assert_int_equal(copies, FEW / 2);
	bpf.view.backends[0].epoch++;
	reset_and_wait(&wanted, false);
	expect(old, FEW / 2, 1);
	expect(old + FEW / 2, FEW / 2, 0);
	bpf.view.leases[7].until_ns = UINT64_MAX;
	bpf.view.leases[7].taken_ns = 1;
	wanted.list = old + FEW / 2;
	reset_and_wait(&wanted, false);
	expect(old + FEW / 2, FEW / 2, 1);
	bpf.view.leases[7].until_ns = 0;
	close_conns(old, FEW);
	close(v4);
}

static int setup(void **state)
{
	struct lb_bpf_sizes sizes = small_sizes();

	assert_int_equal(lb_bpf_open(&bpf, &sizes, NULL, false), 0);
	ns[BALANCER] = make_namespace(true);
	ns[CLIENT] = make_namespace(false);
	ns[BACKEND] = make_namespace(false);
	wire(CLIENT, "toclient");
	wire(BACKEND, "tobackend");
	serve(0, "10.80.0.1", 80, "10.9.2.2", 8080);
	serve(1, "fd09:80::1", 80, "fd09:2::2", 8080);
	serve(2, "10.80.0.1", 81, "10.9.2.2", 8081);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < NAMESPACES; i++)
		close(ns[i]);
	lb_bpf_close(&bpf);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends_hear_and_nobody_else),
		cmocka_unit_test(test_without_timestamps),
		cmocka_unit_test(test_a_copy_is_not_ours_to_reset),
		cmocka_unit_test(test_dead_backend),
	};

	if (!enter_netns()) {
		printf("1..0 # SKIP needs root (network namespaces)\n");
		return 0;
	}
	loop = ev_default_loop(0);
	return cmocka_run_group_tests(tests, setup, teardown);
}
