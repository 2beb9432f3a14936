/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fragments in any order. In order they are compared with the model in test_nat; here are early ones: held,
 * put back on the ingress when their first comes, and never otherwise. What is put back takes the ordinary
 * way through a real interface, and the whole datagram is put together from what comes out.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define DATAGRAM 1000
#define PIECE    256

static struct fixture x;
static struct endpoint client, service, backend;

static void open_world(int family)
{
	uint32_t pool;

	fixture_open(&x, 64, 32);
	client.port = 4000;
	service.port = 53;
	backend.port = 5353;
	if (family == 4) {
		address4(client.addr, 10, 9, 0, 1);
		address4(service.addr, 10, 1, 0, 100);
		address4(backend.addr, 10, 2, 0, 1);
	} else {
		address6(client.addr, 9, 1);
		address6(service.addr, 1, 100);
		address6(backend.addr, 2, 1);
	}
	pool = fixture_pool(&x, LB_PICK_NEXT);
	fixture_backend(&x, pool, family, &backend, 1);
	fixture_service(&x, family, IPPROTO_UDP, &service, pool);
	fixture_service(&x, family, IPPROTO_TCP, &service, pool);
}

static uint32_t cut(int family, uint8_t protocol, uint32_t id, struct frame *pieces)
{
	struct packet_spec s = {.family = family,
		.protocol = protocol,
		.from = client,
		.to = service,
		.payload = DATAGRAM,
		.fill = 3,
		.tcp_flags = TCP_SYN};
	struct frame whole;
	uint32_t count = 0;

	packet_build(&s, &whole);
	for (uint32_t at = 0; at < DATAGRAM + 8; at += PIECE)
		packet_fragment(&whole, at, PIECE, id, &pieces[count++]);
	return count;
}

/* A first fragment of another datagram takes nothing of it, and is not put back: that would never end. */
static void an_early_fragment_waits_for_its_own_first_only(void **state)
{
	struct frame udp[8], tcp[8], other[8], got;

	open_world(4);
	cut(4, IPPROTO_UDP, 77, udp);
	cut(4, IPPROTO_TCP, 77, tcp); /* same addresses, same id, another protocol */
	cut(4, IPPROTO_UDP, 78, other);
	assert_int_equal(fixture_run(&x, &udp[1], &got), VERDICT_DROP);
	assert_int_equal(fixture_counter(&x, LB_COUNT_FRAGMENT_HELD), 1);
	assert_int_equal(fixture_run(&x, &tcp[0], &got), VERDICT_REDIRECT);
	assert_int_equal(fixture_run(&x, &other[0], &got), VERDICT_REDIRECT);
	assert_int_equal(
		fixture_run(&x, &udp[0], &got), VERDICT_DROP); /* put back with the one that waited */
	assert_int_equal(fixture_run(&x, &udp[0], &got), VERDICT_REDIRECT);
}

static void an_ipv6_fragment_of_another_source_waits_on(void **state)
{
	struct frame first[8], second[8], got;

	open_world(6);
	cut(6, IPPROTO_UDP, 5, first);
	address6(client.addr, 9, 2); /* differs in the last word only */
	cut(6, IPPROTO_UDP, 5, second);
	assert_int_equal(fixture_run(&x, &first[2], &got), VERDICT_DROP);
	assert_int_equal(fixture_run(&x, &second[0], &got), VERDICT_REDIRECT);
}

static void fragments_of_others_are_left_alone(void **state)
{
	struct frame pieces[8], got;

	open_world(4);
	address4(service.addr, 10, 77, 0, 1);
	for (uint32_t count = cut(4, IPPROTO_UDP, 9, pieces), i = 0; i < count; i++) {
		const struct frame *f = &pieces[count - 1 - i];

		assert_int_equal(fixture_run(&x, f, &got), VERDICT_PASS);
		assert_memory_equal(got.bytes, f->bytes, f->length);
	}
	assert_int_equal(fixture_counter(&x, LB_COUNT_FRAGMENT_HELD), 0);
}

/* A large ping to a service address: nothing of it is held. */
static void fragments_of_other_protocols_are_left_alone(void **state)
{
	struct frame pieces[8], got;

	for (int family = 4; family <= 6; family += 2) {
		open_world(family);
		cut(family, IPPROTO_UDP, 9, pieces);
		pieces[1].bytes[family == 4 ? ETH_BYTES + 9 : ETH_BYTES + 40] =
			family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
		assert_int_equal(fixture_run(&x, &pieces[1], &got), VERDICT_PASS);
		assert_int_equal(fixture_counter(&x, LB_COUNT_FRAGMENT_HELD), 0);
		fixture_close(&x);
	}
}

/* It is what follows in the first, which may be an extension: hop-by-hop options are number 0. */
static void a_later_ipv6_fragment_may_name_an_extension(void **state)
{
	static const uint8_t extensions[] = {IPPROTO_HOPOPTS, IPPROTO_DSTOPTS, IPPROTO_ROUTING};
	struct frame pieces[8], got;

	for (size_t i = 0; i < sizeof(extensions); i++) {
		open_world(6);
		cut(6, IPPROTO_UDP, 9, pieces);
		pieces[1].bytes[ETH_BYTES + 40] = extensions[i];
		assert_int_equal(fixture_run(&x, &pieces[0], &got), VERDICT_REDIRECT);
		assert_int_equal(fixture_run(&x, &pieces[1], &got), VERDICT_REDIRECT);
		fixture_close(&x);
	}
}

/* To one of our addresses, but no service: the stack gets them in the end. */
static void fragments_to_no_service_of_ours_pass_after_their_first(void **state)
{
	struct frame pieces[8], got;

	open_world(4);
	service.port = 54;
	cut(4, IPPROTO_UDP, 10, pieces);
	assert_int_equal(fixture_run(&x, &pieces[0], &got), VERDICT_PASS);
	assert_int_equal(fixture_run(&x, &pieces[1], &got), VERDICT_PASS);
}

/* ---- over a real interface ---- */

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

/* The next fragment that came out of the dataplane; false: none within two seconds. */
static bool receive(int fd, int family, struct frame *f)
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
		if (parts.ok && parts.fragment && parts.family == family)
			return true;
	}
}

/* Put the datagram together and look at it as its receiver would. */
static void expect_whole(const struct frame *pieces, uint32_t count, int family)
{
	struct packet_spec s = {.family = family,
		.protocol = IPPROTO_UDP,
		.from = client,
		.to = backend,
		.payload = DATAGRAM,
		.fill = 3};
	struct frame want;
	uint8_t data[DATAGRAM + 8] = {0};
	struct packet_parts w;

	packet_build(&s, &want);
	w = frame_parse(&want);
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *b = pieces[i].bytes;
		struct packet_parts p = frame_parse(&pieces[i]);
		uint32_t at =
			family == 4 ? (get16(b + p.l3 + 6) & 0x1fffu) * 8 : get16(b + p.l3 + 42) & 0xfff8u;
		uint32_t from = family == 4 ? p.l4 : p.l3 + 48;

		assert_memory_equal(p.dst, backend.addr, sizeof(p.dst));
		assert_true(at + p.end - from <= sizeof(data));
		memcpy(data + at, b + from, p.end - from);
		if (family == 4)
			assert_int_equal(sum_bytes(b + p.l3, p.l4 - p.l3, 0), 0xffff);
	}
	assert_memory_equal(data, want.bytes + w.l4, sizeof(data));
}

static void any_order(int family)
{
	static const uint8_t orders[][4] = {
		{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 0, 3, 2}, {2, 3, 0, 1}, {1, 2, 3, 0}};
	struct frame pieces[8], got[8];
	int fd;

	open_world(family);
	fixture_attach(&x);
	fd = open_far();
	for (size_t o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
		assert_int_equal(cut(family, IPPROTO_UDP, 100 + (uint32_t)o, pieces), 4);
		for (int i = 0; i < 4; i++) {
			struct frame *f = &pieces[orders[o][i]];

			memcpy(f->bytes, fixture_link_mac, 6);
			assert_int_equal(write(fd, f->bytes, f->length), f->length);
		}
		for (int i = 0; i < 4; i++)
			assert_true(receive(fd, family, &got[i]));
		expect_whole(got, 4, family);
	}
	assert_int_equal(fixture_counter(&x, LB_COUNT_FRAGMENT_LOST), 0);
	close(fd);
}

static void ipv4_fragments_arrive_whole_in_any_order(void **state)
{
	any_order(4);
}

static void ipv6_fragments_arrive_whole_in_any_order(void **state)
{
	any_order(6);
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
		with_cleanup(an_early_fragment_waits_for_its_own_first_only),
		with_cleanup(an_ipv6_fragment_of_another_source_waits_on),
		with_cleanup(fragments_of_others_are_left_alone),
		with_cleanup(fragments_of_other_protocols_are_left_alone),
		with_cleanup(a_later_ipv6_fragment_may_name_an_extension),
		with_cleanup(fragments_to_no_service_of_ours_pass_after_their_first),
		with_cleanup(ipv4_fragments_arrive_whole_in_any_order),
		with_cleanup(ipv6_fragments_arrive_whole_in_any_order),
	};

	if (!fixture_enter("bpf_fragment"))
		return fixture_skip();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
