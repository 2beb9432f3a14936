/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the dataplane answers itself, and what it does with the way out: no flow, no backend, a backend that
 * is gone, hop limits, MTUs, routes. Bytes of answers are compared with the model in test_nat; here stand the
 * numbers that the RFCs name, written out.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct fixture x;
static uint32_t web, names;
static int family;

static void open_world(int of, uint32_t backends)
{
	struct endpoint at = fixture_endpoint(of, 1, 100, 80);
	uint32_t pool;

	family = of;
	fixture_open(&x, 64, 64);
	pool = fixture_pool(&x, LB_PICK_NEXT);
	for (uint32_t i = 0; i < backends; i++) {
		struct endpoint b = fixture_endpoint(of, 2, (uint8_t)(1 + i), 8080);

		fixture_backend(&x, pool, of, &b, 1);
	}
	web = fixture_service(&x, of, IPPROTO_TCP, &at, pool);
	names = fixture_service(&x, of, IPPROTO_UDP, &at, pool);
}

static struct endpoint client(uint16_t port)
{
	return fixture_endpoint(family, 9, 1, port);
}

/* The client's segment of that length with those flags; what comes back. */
static int send_segment(uint8_t flags, uint32_t seq, uint32_t ack, uint16_t payload, struct frame *out)
{
	struct endpoint c = client(1000);
	struct packet_spec s = fixture_packet(family, IPPROTO_TCP, &c, &x.services[web].at, flags);
	struct frame in;

	s.seq = seq;
	s.ack = ack;
	s.payload = payload;
	packet_build(&s, &in);
	while (in.length < 60)
		in.bytes[in.length++] = 0; /* as Ethernet does */
	return fixture_run(&x, &in, out);
}

static void expect_rst(const struct frame *out, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct packet_parts p = frame_parse(out);

	assert_true(p.ok && p.whole);
	assert_int_equal(p.protocol, IPPROTO_TCP);
	assert_true(packet_sums_right(out->bytes, &p));
	assert_int_equal(p.tcp_flags, flags);
	assert_int_equal(p.seq, seq);
	assert_int_equal(p.ack, ack);
	assert_int_equal(p.sport, x.services[web].at.port);
	assert_int_equal(p.dport, 1000);
	assert_memory_equal(p.src, x.services[web].at.addr, 16);
	assert_int_equal(out->length, p.end);
}

/* RFC 9293 3.10.7.1 */
static void an_unknown_segment_is_reset(void **state)
{
	struct frame out;

	for (int of = 4; of <= 6; of += 2) {
		open_world(of, 1);
		assert_int_equal(send_segment(TCP_ACK, 100, 7777, 30, &out), VERDICT_REDIRECT);
		expect_rst(&out, TCP_RST, 7777, 0);
		assert_int_equal(send_segment(0, 100, 0, 30, &out), VERDICT_REDIRECT);
		expect_rst(&out, TCP_RST | TCP_ACK, 0, 130);
		assert_int_equal(send_segment(TCP_FIN, 100, 0, 0, &out), VERDICT_REDIRECT);
		expect_rst(&out, TCP_RST | TCP_ACK, 0, 101);
		assert_int_equal(send_segment(TCP_RST, 100, 0, 0, &out), VERDICT_DROP); /* never for a RST */
		assert_int_equal(fixture_counter(&x, LB_COUNT_NO_FLOW), 4);
		assert_int_equal(fixture_flow_count(&x, of), 0);
		fixture_close(&x);
	}
}

static void without_a_backend_a_service_says_so(void **state)
{
	struct endpoint c = client(1000);
	struct frame out;

	for (int of = 4; of <= 6; of += 2) {
		open_world(of, 0);
		c = client(1000);
		assert_int_equal(send_segment(TCP_SYN, 100, 0, 0, &out), VERDICT_REDIRECT);
		expect_rst(&out, TCP_RST | TCP_ACK, 0, 101);
		assert_int_equal(fixture_say(&x, names, &c, LB_TO_BACKEND, 0, 0, 0, &out), VERDICT_REDIRECT);

		struct packet_parts p = frame_parse(&out);

		assert_true(p.ok && packet_sums_right(out.bytes, &p));
		assert_int_equal(out.bytes[p.l4], of == 4 ? 3 : 1);
		assert_int_equal(out.bytes[p.l4 + 1], of == 4 ? 3 : 4);
		assert_int_equal(p.end - p.l4,
			8 + (of == 4 ? 20 : 40) + 8); /* the quote: IP header and UDP's eight bytes */
		assert_int_equal(get16(out.bytes + p.end - 8), 1000);
		x.b.view.services[web].on_empty = x.b.view.services[names].on_empty = LB_ON_EMPTY_DROP;
		assert_int_equal(send_segment(TCP_SYN, 100, 0, 0, &out), VERDICT_DROP);
		assert_int_equal(send_segment(TCP_ACK, 100, 5, 0, &out), VERDICT_DROP);
		assert_int_equal(fixture_say(&x, names, &c, LB_TO_BACKEND, 0, 0, 0, &out), VERDICT_DROP);
		assert_int_equal(fixture_counter(&x, LB_COUNT_NO_BACKEND), 4);
		fixture_close(&x);
	}
}

/* ---- hop limits and MTU ---- */

static void the_last_hop_is_told(void **state)
{
	struct endpoint c;
	struct packet_spec s;
	struct frame in, out;
	struct packet_parts p;

	for (int of = 4; of <= 6; of += 2) {
		open_world(of, 1);
		c = client(1000);
		s = fixture_packet(of, IPPROTO_UDP, &c, &x.services[names].at, 0);
		s.ttl = 1;
		packet_build(&s, &in);
		assert_int_equal(fixture_run(&x, &in, &out), VERDICT_REDIRECT);
		p = frame_parse(&out);
		assert_true(p.ok && packet_sums_right(out.bytes, &p));
		assert_int_equal(out.bytes[p.l4], of == 4 ? 11 : 3);
		assert_memory_equal(out.bytes + p.l4 + 8, in.bytes + ETH_BYTES, of == 4 ? 28 : 48);
		fixture_close(&x);
	}
}

static int send_sized(uint16_t payload, struct frame *out)
{
	return send_segment(TCP_ACK, 101, 5001, payload, out);
}

static void too_big_is_told_with_the_mtu(void **state)
{
	struct endpoint c;
	struct frame out;
	struct packet_parts p;

	for (int of = 4; of <= 6; of += 2) {
		uint16_t fits = of == 4 ? 1360 : 1340;

		open_world(of, 1);
		c = client(1000);
		assert_int_equal(fixture_connect(&x, web, &c), 0);
		fixture_establish(&x, web, &c);
		x.b.view.links[0].mtu = 1400;
		assert_int_equal(send_sized(fits, &out), VERDICT_REDIRECT);
		assert_int_equal(out.length, ETH_BYTES + 1400);
		assert_int_equal(send_sized(fits + 1, &out), VERDICT_REDIRECT);
		p = frame_parse(&out);
		assert_true(p.ok && packet_sums_right(out.bytes, &p));
		assert_int_equal(out.bytes[p.l4], of == 4 ? 3 : 2);
		assert_int_equal(out.bytes[p.l4 + 1], of == 4 ? 4 : 0);
		assert_int_equal(get32(out.bytes + p.l4 + 4), 1400);
		assert_int_equal(fixture_counter(&x, LB_COUNT_TOO_BIG), 1);

		/* Of a GSO packet the segments count. */
		x.gso_size = fits;
		assert_int_equal(send_sized(2 * fits, &out), VERDICT_REDIRECT);
		assert_int_equal(out.length, ETH_BYTES + (of == 4 ? 40 : 60) + 2 * fits);
		x.gso_size = fits + 1;
		assert_int_equal(send_sized(2 * fits, &out), VERDICT_REDIRECT);
		assert_int_equal(fixture_counter(&x, LB_COUNT_TOO_BIG), 2);
		fixture_close(&x);
	}
}

/* ---- the way out ---- */

static void no_way_is_a_counted_drop(void **state)
{
	struct endpoint nowhere = {.port = 80}, silent = {.port = 80}, c = {.port = 1};
	struct frame out;

	open_world(4, 0);
	c = client(1000);
	address4(nowhere.addr, 198, 51, 100, 1); /* an unreachable route */
	address4(silent.addr, 203, 0, 113, 7);   /* on the link, its MAC address not known */
	fixture_backend(&x, 0, 4, &nowhere, 1);
	assert_int_equal(fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_SYN, 1, 0, &out), VERDICT_DROP);
	assert_int_equal(fixture_counter(&x, LB_COUNT_NO_ROUTE), 1);
	fixture_close(&x);

	open_world(4, 0);
	fixture_backend(&x, 0, 4, &silent, 1);
	assert_int_equal(fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_SYN, 1, 0, &out), VERDICT_REDIRECT);
	assert_int_equal(fixture_counter(&x, LB_COUNT_NEIGH_RESOLVE), 1);
	assert_memory_equal(out.bytes, "\0\0\0\0\0\0", 6); /* the kernel fills it in */
	assert_memory_equal(frame_parse(&out).dst, silent.addr, 4);
}

static void a_hop_is_learnt_once_and_again_after_a_change(void **state)
{
	struct endpoint c;

	open_world(4, 1);
	c = client(1000);
	fixture_connect(&x, web, &c);
	for (int i = 0; i < 10; i++)
		fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_SYN, 1, 0, NULL);
	assert_int_equal(fixture_counter(&x, LB_COUNT_HOP_LEARNT), 1);
	x.b.view.globals->route_epoch++;
	for (int i = 0; i < 10; i++)
		fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_SYN, 1, 0, NULL);
	assert_int_equal(fixture_counter(&x, LB_COUNT_HOP_LEARNT), 2);
}

static void forwarding_that_is_off_is_named(void **state)
{
	struct endpoint c;
	int off, on;

	open_world(4, 1);
	c = client(1000);
	off = system("sysctl -qw net.ipv4.conf.lo.forwarding=0");

	int verdict = fixture_say(&x, web, &c, LB_TO_BACKEND, TCP_SYN, 1, 0, NULL);

	on = system("sysctl -qw net.ipv4.conf.lo.forwarding=1");
	assert_int_equal(off | on, 0);
	assert_int_equal(verdict, VERDICT_DROP);
	assert_int_equal(fixture_counter(&x, LB_COUNT_FORWARDING_OFF), 1);
}

/* ---- a backend that is gone ---- */

static int open_far(void)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = fixture_peer_ifindex};

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

/* The next RST that left the dataplane; false: none within two seconds. */
static bool receive_rst(int fd, struct frame *f)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		struct sockaddr_ll from;
		socklen_t size = sizeof(from);
		struct packet_parts parts;
		ssize_t got;

		if (poll(&p, 1, 2000) <= 0)
			return false;
		got = recvfrom(fd, f->bytes, sizeof(f->bytes), 0, (struct sockaddr *)&from, &size);
		if (got < ETH_BYTES || from.sll_pkttype == PACKET_OUTGOING)
			continue;
		f->length = (uint32_t)got;
		parts = frame_parse(f);
		if (parts.ok && parts.protocol == IPPROTO_TCP && parts.tcp_flags & TCP_RST) {
			assert_true(packet_sums_right(f->bytes, &parts));
			return true;
		}
	}
}

/* The client's next packet: RST on to the backend (in the client's name) and back to the client (in the
 * service's), each with the sequence number its receiver expects. */
static void a_doomed_flow_is_reset_on_both_sides(void **state)
{
	struct endpoint c, backend;
	struct frame f;
	int fd = open_far();

	for (int of = 4; of <= 6; of += 2) {
		open_world(of, 1);
		c = client(1000);
		backend = fixture_endpoint(of, 2, 1, 8080);
		fixture_connect(&x, web, &c);
		fixture_establish(&x, web, &c);
		assert_true(fixture_control(&x, LB_CONTROL_DOOM, of, fixture_flow_of(&x, web, &c)));
		assert_int_equal(x.b.view.backends[0].active, 0);
		assert_int_equal(send_segment(TCP_ACK, 4242, 9999, 10, &f), VERDICT_REDIRECT);
		expect_rst(&f, TCP_RST, 9999, 0);
		assert_true(receive_rst(fd, &f));

		struct packet_parts p = frame_parse(&f);

		assert_int_equal(p.seq, 4242);
		assert_int_equal(p.tcp_flags, TCP_RST);
		assert_memory_equal(p.src, c.addr, 16);
		assert_memory_equal(p.dst, backend.addr, 16);
		assert_int_equal(p.dport, 8080);
		assert_int_equal(send_segment(TCP_RST, 4242, 0, 0, &f), VERDICT_DROP);
		assert_int_equal(fixture_counter(&x, LB_COUNT_DOOMED), 2);
		assert_true(fixture_connect(&x, web, &c) >= 0); /* and a new connection is one */
		fixture_close(&x);
	}
	close(fd);
}

static int cleanup(void **state)
{
	fixture_close(&x);
	return 0;
}

#define with_cleanup(test) cmocka_unit_test_teardown(test, cleanup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_cleanup(an_unknown_segment_is_reset),
		with_cleanup(without_a_backend_a_service_says_so),
		with_cleanup(the_last_hop_is_told),
		with_cleanup(too_big_is_told_with_the_mtu),
		with_cleanup(no_way_is_a_counted_drop),
		with_cleanup(a_hop_is_learnt_once_and_again_after_a_change),
		with_cleanup(forwarding_that_is_off_is_named),
		with_cleanup(a_doomed_flow_is_reset_on_both_sides),
	};

	if (!fixture_enter("bpf_answer"))
		return fixture_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
