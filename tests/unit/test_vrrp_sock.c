/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets over a veth pair: the peer sends what ours is to hear, and looks at what ours sends. */
#include "vrrp_netns.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vrrp/vrrp_timer.h"
#include "vrrp/vrrp_frame.h"
#include "vrrp/vrrp_sock.h"

static struct vrrp_rx *rx;
static struct vrrp_tx *tx, *peer_tx; /* ours; the peer's */
static int eth0, peer0, wire;        /* wire: a sniffer on peer0 */

struct heard {
	unsigned count, this_turn, most_in_a_turn, ticks;
	struct vrrp_ip ip;
	uint8_t payload[VRRP_ADVERT_MAX + 100];
	size_t len;
} heard;

static void on_packet(void *data, const uint8_t *payload, size_t len, const struct vrrp_ip *ip)
{
	struct heard *h = data;

	h->count++;
	h->this_turn++;
	h->ip = *ip;
	h->len = len;
	memcpy(h->payload, payload, len < sizeof(h->payload) ? len : sizeof(h->payload));
}

static bool is_count(void *data)
{
	return heard.count >= *(unsigned *)data;
}

static void hear(unsigned count)
{
	until(is_count, &count);
	assert_int_equal(heard.count, count);
}

static int set_up(void **state)
{
	memset(&heard, 0, sizeof(heard));
	eth0 = (int)if_nametoindex("eth0");
	if (vrrp_tx_open(&tx))
		return -1;
	netns_in_peer(true);
	peer0 = (int)if_nametoindex("peer0");
	wire = sniffer("peer0");
	if (vrrp_tx_open(&peer_tx))
		return -1;
	netns_in_peer(false);
	return 0;
}

static int tear_down(void **state)
{
	vrrp_rx_close(rx);
	rx = NULL;
	vrrp_tx_close(tx);
	vrrp_tx_close(peer_tx);
	close(wire);
	return 0;
}

static void listen_for(uint8_t family)
{
	vrrp_rx_close(rx);
	assert_int_equal(vrrp_rx_open(&rx, loop, "eth0", eth0, family, on_packet, &heard), 0);
}

static const uint8_t mac[6] = {0, 0, 0x5e, 0, 1, 51};

/* A multicast advert from the peer, with some bytes as its payload. */
static size_t advert(const char *source, uint8_t first, uint8_t *frame)
{
	uint8_t payload[12] = {first, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	struct net_addr from = addr_of(source);
	int len = vrrp_frame_advert(mac, &from, payload, sizeof(payload), frame, VRRP_FRAME_MAX);

	assert_true(len > 0);
	return (size_t)len;
}

static void send_advert(const char *source, uint8_t first)
{
	uint8_t frame[VRRP_FRAME_MAX];
	size_t len = advert(source, first, frame);

	assert_int_equal(vrrp_tx_frame(peer_tx, peer0, frame, len), 0);
}

static void expect_ip(const char *source, const char *destination, unsigned ttl)
{
	struct net_addr from = addr_of(source), to = addr_of(destination);

	assert_true(addr_equal(&heard.ip.source, &from));
	assert_true(addr_equal(&heard.ip.destination, &to));
	assert_int_equal(heard.ip.ttl, ttl);
}

static bool is_from_mac(const uint8_t *frame, size_t len, const void *data)
{
	return len > 34 && memcmp(frame + 6, data, 6) == 0 &&
	       (frame[12] == 8 ? frame[23] == VRRP_PROTOCOL : frame[20] == VRRP_PROTOCOL);
}

/* ---- tests ---- */

static void test_multicast_in(void **state)
{
	listen_for(AF_INET);
	send_advert("10.9.0.2", 0x31);
	hear(1);
	expect_ip("10.9.0.2", "224.0.0.18", 255);
	assert_int_equal(heard.len, 12);
	assert_int_equal(heard.payload[0], 0x31);
	assert_int_equal(heard.payload[11], 12);

	listen_for(AF_INET6);
	send_advert("fe80::2", 0x32);
	hear(2);
	expect_ip("fe80::2", "ff02::12", 255);
	assert_int_equal(heard.len, 12);
	assert_int_equal(heard.payload[0], 0x32);
}

/* What waited may be as old as the last look that found nothing; what comes after a look is no older. */
static void test_age(void **state)
{
	int64_t begun = vrrp_now(), emptied, spoke;

	listen_for(AF_INET);
	vrrp_rx_drain(rx);
	emptied = vrrp_now(); /* or a little before */
	while (vrrp_now() - begun < 20000000)
		;
	spoke = vrrp_now();
	send_advert("10.9.0.2", 0x31);
	hear(1);
	assert_true(heard.ip.age_ns > 0 && heard.ip.age_ns <= vrrp_now() - begun);
	assert_true(heard.ip.age_ns >= spoke - emptied);
	send_advert("10.9.0.2", 0x32);
	hear(2);
	assert_true(heard.ip.age_ns > 0 && heard.ip.age_ns <= vrrp_now() - spoke);
}

static void sum_header(uint8_t *ip, size_t len)
{
	uint32_t sum = 0;

	ip[10] = ip[11] = 0;
	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	ip[10] = (uint8_t)(~sum >> 8);
	ip[11] = (uint8_t)~sum;
}

/* Another TTL is told, not judged; a header with options has its payload behind them. */
static void test_header(void **state)
{
	uint8_t frame[VRRP_FRAME_MAX];
	size_t len = advert("10.9.0.2", 0x31, frame);
	uint8_t *ip = frame + 14;

	listen_for(AF_INET);
	ip[8] = 64;
	sum_header(ip, 20);
	assert_int_equal(vrrp_tx_frame(peer_tx, peer0, frame, len), 0);
	hear(1);
	assert_int_equal(heard.ip.ttl, 64);

	memmove(ip + 24, ip + 20, len - 34);
	memset(ip + 20, 1, 4); /* no-operation options */
	ip[0] = 0x46;
	ip[3] = (uint8_t)(ip[3] + 4);
	sum_header(ip, 24);
	assert_int_equal(vrrp_tx_frame(peer_tx, peer0, frame, len + 4), 0);
	hear(2);
	assert_int_equal(heard.len, 12);
	assert_int_equal(heard.payload[0], 0x31);

	/* what the driver pads is no payload: nothing but a header here */
	len = advert("10.9.0.2", 0x31, frame);
	ip[3] = 20;
	sum_header(ip, 20);
	assert_int_equal(vrrp_tx_frame(peer_tx, peer0, frame, len), 0);
	hear(3);
	assert_int_equal(heard.len, 0);
}

/* Longer than any advert: cut, and no harm. */
static void test_long_packet(void **state)
{
	static uint8_t payload[30000];
	struct net_addr to = addr_of("10.9.0.1");
	struct sockaddr_storage at;
	socklen_t at_len = addr_to_sockaddr(&to, 0, &at);
	int fd;

	listen_for(AF_INET);
	netns_in_peer(true);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, VRRP_PROTOCOL);
	netns_in_peer(false);
	assert_int_equal(
		sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&at, at_len), sizeof(payload));
	close(fd);
	hear(1);
	assert_in_range(heard.len, VRRP_ADVERT_MAX, VRRP_ADVERT_MAX + 100);
}

/* Nothing of another interface, of another group (although this host is in it), of another protocol. */
static void test_not_ours(void **state)
{
	uint8_t frame[VRRP_FRAME_MAX];
	size_t len = advert("10.9.0.2", 0x31, frame);

	sh("ip link add x0 type veth peer name x1 && ip link set x0 up && ip link set x1 up && "
	   "ip addr add 224.0.0.18/32 dev x0 autojoin && ip addr add 10.77.0.1/24 dev x0");
	listen_for(AF_INET);
	assert_int_equal(vrrp_tx_frame(tx, (int)if_nametoindex("x1"), frame, len), 0);

	/* and one to an address of that interface */
	struct net_addr to = addr_of("10.77.0.1");
	mac_of("x0", frame);
	memcpy(frame + 30, to.bytes, 4);
	sum_header(frame + 14, 20);
	assert_int_equal(vrrp_tx_frame(tx, (int)if_nametoindex("x1"), frame, len), 0);

	len = advert("10.9.0.2", 0x31, frame);
	sh("ip addr add 224.0.0.5/32 dev eth0 autojoin");
	frame[5] = 5;
	frame[14 + 19] = 5;
	sum_header(frame + 14, 20);
	assert_int_equal(vrrp_tx_frame(peer_tx, peer0, frame, len), 0);

	len = advert("10.9.0.2", 0x31, frame);
	frame[14 + 9] = 111;
	sum_header(frame + 14, 20);
	assert_int_equal(vrrp_tx_frame(peer_tx, peer0, frame, len), 0);

	send_advert("10.9.0.2", 0x77);
	hear(1);
	assert_int_equal(heard.payload[0], 0x77);
	sh("ip link del x0 && ip addr del 224.0.0.5/32 dev eth0");
}

static void test_frame_out(void **state)
{
	uint8_t frame[VRRP_FRAME_MAX], seen[2048];
	size_t len = advert("10.9.0.200", 0x31, frame); /* no address of this host */

	assert_int_equal(vrrp_tx_frame(tx, eth0, frame, len), 0);
	assert_int_equal(next_frame(wire, 2000, is_from_mac, mac, seen, sizeof(seen)), len);
	assert_memory_equal(seen, frame, len);
}

static void test_unicast_out(void **state)
{
	struct net_addr from = addr_of("10.9.0.200"), to = addr_of("10.9.0.2");
	struct net_addr from6 = addr_of("fd09::200"), to6 = addr_of("fd09::2");
	uint8_t payload[20] = {0x31, 7}, seen[2048], own[6];

	mac_of("eth0", own);
	assert_int_equal(vrrp_tx_unicast(tx, eth0, &from, &to, payload, sizeof(payload)), 0);
	assert_int_equal(next_frame(wire, 2000, is_from_mac, own, seen, sizeof(seen)), 54);
	assert_int_equal(seen[15], 0xc0);
	assert_int_equal(seen[22], 255);
	assert_memory_equal(seen + 26, from.bytes, 4);
	assert_memory_equal(seen + 30, to.bytes, 4);
	assert_memory_equal(seen + 34, payload, sizeof(payload));
	sum_header(seen + 14,
		20); /* the kernel's checksum was right: else the peer would not take it, see below */

	assert_int_equal(vrrp_tx_unicast(tx, eth0, &from6, &to6, payload, sizeof(payload)), 0);
	assert_int_equal(next_frame(wire, 2000, is_from_mac, own, seen, sizeof(seen)), 74);
	assert_memory_equal(seen + 14, "\x6c\x00\x00\x00\x00\x14\x70\xff", 8);
	assert_memory_equal(seen + 22, from6.bytes, 16);
	assert_memory_equal(seen + 38, to6.bytes, 16);
	assert_memory_equal(seen + 54, payload, sizeof(payload));
}

/* From speaker to speaker, link-local addresses too. */
static void test_unicast_in(void **state)
{
	struct net_addr from = addr_of("10.9.0.2"), to = addr_of("10.9.0.1");
	struct net_addr from6 = addr_of("fe80::2"), to6 = addr_of("fe80::1");
	uint8_t payload[20] = {0x31, 7};

	listen_for(AF_INET);
	assert_int_equal(vrrp_tx_unicast(peer_tx, peer0, &from, &to, payload, sizeof(payload)), 0);
	hear(1);
	expect_ip("10.9.0.2", "10.9.0.1", 255);
	assert_int_equal(heard.len, sizeof(payload));

	sh("ip addr add fe80::1/64 dev eth0 nodad");
	listen_for(AF_INET6);
	assert_int_equal(vrrp_tx_unicast(peer_tx, peer0, &from6, &to6, payload, sizeof(payload)), 0);
	hear(2);
	expect_ip("fe80::2", "fe80::1", 255);
	assert_int_equal(heard.len, sizeof(payload));
	sh("ip addr del fe80::1/64 dev eth0");
}

static void on_tick(struct ev_loop *l, ev_prepare *w, int events)
{
	if (heard.this_turn > heard.most_in_a_turn)
		heard.most_in_a_turn = heard.this_turn;
	if (heard.this_turn)
		heard.ticks++;
	heard.this_turn = 0;
}

/* Ten thousand packets while nobody reads: each turn of the loop takes its share, what the buffer could not hold is
 * counted, and nothing is heard twice. */
static void test_flood(void **state)
{
	uint8_t frame[VRRP_FRAME_MAX];
	size_t len = advert("10.9.0.2", 0x31, frame);
	ev_prepare tick;

	listen_for(AF_INET);
	ev_prepare_init(&tick, on_tick);
	ev_prepare_start(loop, &tick);
	for (int i = 0; i < 10000; i++)
		while (vrrp_tx_frame(peer_tx, peer0, frame, len))
			;
	run_for(0.3);
	send_advert("10.9.0.2", 0x77); /* tells what was lost */
	run_for(0.1);
	ev_prepare_stop(loop, &tick);
	assert_int_equal(heard.payload[0], 0x77);
	assert_true(heard.count > 500);
	assert_true(vrrp_rx_lost(rx) > 0);
	assert_int_equal(heard.count + vrrp_rx_lost(rx), 10001);
	assert_true(heard.most_in_a_turn <= 256);
	assert_true(heard.ticks >= heard.count / 256);
}

/* After a pause: all that waits is read before anything is decided. */
static void test_drain(void **state)
{
	listen_for(AF_INET);
	for (int i = 0; i < 1000; i++)
		send_advert("10.9.0.2", (uint8_t)i);
	assert_int_equal(heard.count, 0);
	vrrp_rx_drain(rx);
	assert_int_equal(heard.count, 1000);
	assert_int_equal(heard.payload[0], (uint8_t)999);
	assert_int_equal(vrrp_rx_lost(rx), 0);
	vrrp_rx_drain(rx);
	assert_int_equal(heard.count, 1000);
}

static void test_refusals(void **state)
{
	struct net_addr from = addr_of("10.9.0.1"), to = addr_of("10.9.0.2"), to6 = addr_of("fd09::2"),
			none = {};
	struct net_addr nowhere = addr_of("172.31.255.1");
	uint8_t frame[VRRP_FRAME_MAX];
	size_t len = advert("10.9.0.2", 0x31, frame);

	assert_int_equal(vrrp_rx_open(&rx, loop, "nowhere", 4711, AF_INET, on_packet, &heard), -ENODEV);
	assert_int_equal(vrrp_rx_open(&rx, loop, "lo", eth0, AF_INET, on_packet, &heard), -ENODEV);
	assert_null(rx);
	assert_int_equal(vrrp_tx_frame(tx, 4711, frame, len), -ENODEV);
	assert_int_equal(vrrp_tx_frame(tx, eth0, frame, 13), -EINVAL);
	assert_int_equal(vrrp_tx_unicast(tx, eth0, &from, &to6, frame, 20), -EINVAL);
	assert_int_equal(vrrp_tx_unicast(tx, eth0, &none, &none, frame, 20), -EINVAL);
	assert_int_equal(vrrp_tx_unicast(tx, eth0, &from, &to, frame, 5000), -EINVAL);
	assert_true(vrrp_tx_unicast(tx, 4711, &from, &to, frame, 20) < 0);
	assert_int_equal(
		vrrp_tx_unicast(tx, eth0, &from, &nowhere, frame, 20), 0); /* bound: it is on that link */
	sh("ip link add x0 type veth peer name x1");
	assert_int_equal(vrrp_tx_frame(tx, (int)if_nametoindex("x0"), frame, len), -ENETDOWN);
	sh("ip link del x0");
}

/* Gone and made anew: the old socket hears nothing, a new one does. */
static void test_interface_made_anew(void **state)
{
	uint8_t frame[VRRP_FRAME_MAX];
	size_t len = advert("10.9.0.2", 0x31, frame);

	for (int round = 0; round < 2; round++) {
		sh("ip link add x0 type veth peer name x1 && ip link set x0 up && ip link set x1 up && "
		   "ip addr add 10.77.0.1/24 dev x0");
		if (round == 1) { /* the old one */
			assert_int_equal(vrrp_tx_frame(tx, (int)if_nametoindex("x1"), frame, len), 0);
			run_for(0.05);
			assert_int_equal(heard.count, 1);
		}
		vrrp_rx_close(rx);
		assert_int_equal(
			vrrp_rx_open(&rx, loop, "x0", (int)if_nametoindex("x0"), AF_INET, on_packet, &heard),
			0);
		assert_int_equal(vrrp_tx_frame(tx, (int)if_nametoindex("x1"), frame, len), 0);
		hear((unsigned)round + 1);
		sh("ip link del x0");
	}
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {ROW(test_multicast_in), ROW(test_age), ROW(test_header),
		ROW(test_long_packet), ROW(test_not_ours), ROW(test_frame_out), ROW(test_unicast_out),
		ROW(test_unicast_in), ROW(test_flood), ROW(test_drain), ROW(test_refusals),
		ROW(test_interface_made_anew)};

	netns_make();
	/* Without duplicate address detection: its second is not what is tested here. */
	sh("echo 0 > /proc/sys/net/ipv6/conf/eth0/accept_dad && ip link set eth0 down && ip link set eth0 up && "
	   "ip addr add fd09::1/64 dev eth0 nodad");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
