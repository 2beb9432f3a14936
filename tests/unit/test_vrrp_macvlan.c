/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who answers for what, asked on the wire: a client (peer0) asks for the virtual address and for the parent's own, by ARP
 * and neighbour solicitation, and every frame that comes back is looked at.
 */
#include "vrrp_netns.h"

#include <errno.h>
#include <net/if.h>
#include <unistd.h>

#include "vrrp/vrrp_net.h"
#include "vrrp/vrrp_net_inside.h"

static struct vrrp_net *net;
static int wire; /* a sniffer on peer0 */
static const uint8_t virtual_mac[6] = {0x00, 0x00, 0x5e, 0x00, 0x01, 0x33};
static const uint8_t virtual_mac6[6] = {0x00, 0x00, 0x5e, 0x00, 0x02, 0x33};
static uint8_t parent_mac[6], peer_mac[6];
static int eth0;

static void on_link(void *data, const struct vrrp_link *link, bool gone) {}

static void on_address(void *data, int ifindex, const struct vrrp_address *address, bool gone) {}

static void on_resync(void *data) {}

static const struct vrrp_net_ops ops = {.link = on_link, .address = on_address, .resync = on_resync};

static bool has_carrier(void *data)
{
	return vrrp_net_link(net, "eth0") && vrrp_net_link(net, "eth0")->carrier;
}

static int set_up(void **state)
{
	int err = vrrp_net_open(&net, loop, &ops, NULL);

	if (err)
		return err;
	until(has_carrier, NULL);
	eth0 = (int)if_nametoindex("eth0");
	sh("echo 0 > /proc/sys/net/ipv4/conf/eth0/arp_ignore; echo 0 > /proc/sys/net/ipv4/conf/eth0/arp_announce");
	mac_of("eth0", parent_mac);
	netns_in_peer(true);
	mac_of("peer0", peer_mac);
	wire = sniffer("peer0");
	sh("ip neigh flush dev peer0");
	netns_in_peer(false);
	return 0;
}

static int tear_down(void **state)
{
	close(wire);
	if (if_nametoindex("vrrp51"))
		vrrp_net_remove_link(net, (int)if_nametoindex("vrrp51"));
	vrrp_net_close(net);
	return 0;
}

/* ---- frames ---- */

static size_t arp_request(const char *target, uint8_t frame[60])
{
	struct net_addr client = addr_of("10.9.0.2"), wanted = addr_of(target);

	memset(frame, 0, 60);
	memset(frame, 0xff, 6);
	memcpy(frame + 6, peer_mac, 6);
	memcpy(frame + 12, "\x08\x06\x00\x01\x08\x00\x06\x04\x00\x01", 10);
	memcpy(frame + 22, peer_mac, 6);
	memcpy(frame + 28, client.bytes, 4);
	memcpy(frame + 38, wanted.bytes, 4);
	return 60;
}

/* An ARP frame of the other side (request or answer) whose sender is that address. */
static bool is_arp_of(const uint8_t *frame, size_t len, const void *data)
{
	const struct net_addr *sender = data;

	return len >= 42 && frame[12] == 8 && frame[13] == 6 && memcmp(frame + 6, peer_mac, 6) != 0 &&
	       memcmp(frame + 28, sender->bytes, 4) == 0;
}

static uint16_t sum16(const uint8_t *bytes, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static size_t solicitation(const char *target, uint8_t frame[86])
{
	struct net_addr client = addr_of("fd09::2"), wanted = addr_of(target);
	uint8_t *ip = frame + 14, *icmp = ip + 40;
	uint16_t sum;

	memset(frame, 0, 86);
	memcpy(frame, "\x33\x33\xff", 3);
	memcpy(frame + 3, wanted.bytes + 13, 3);
	memcpy(frame + 6, peer_mac, 6);
	memcpy(frame + 12, "\x86\xdd\x60\x00\x00\x00\x00\x20\x3a\xff", 10);
	memcpy(ip + 8, client.bytes, 16);
	memcpy(ip + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff", 13);
	memcpy(ip + 37, wanted.bytes + 13, 3);
	icmp[0] = 135;
	memcpy(icmp + 8, wanted.bytes, 16);
	icmp[24] = icmp[25] = 1;
	memcpy(icmp + 26, peer_mac, 6);
	sum = (uint16_t)~sum16(icmp, 32, sum16(ip + 8, 32, 58 + 32));
	icmp[2] = (uint8_t)(sum >> 8);
	icmp[3] = (uint8_t)sum;
	return 86;
}

/* A neighbour advertisement for that address. */
static bool is_na_of(const uint8_t *frame, size_t len, const void *data)
{
	const struct net_addr *target = data;

	return len >= 78 && frame[12] == 0x86 && frame[13] == 0xdd && frame[20] == 58 && frame[54] == 136 &&
	       memcmp(frame + 62, target->bytes, 16) == 0;
}

/* Any frame with a virtual MAC as its source. */
static bool is_virtual(const uint8_t *frame, size_t len, const void *data)
{
	return len >= 14 &&
	       (memcmp(frame + 6, virtual_mac, 6) == 0 || memcmp(frame + 6, virtual_mac6, 6) == 0);
}

static bool is_any(const uint8_t *frame, size_t len, const void *data)
{
	return true;
}

/* Forget what the wire has carried so far. */
static void forget(void)
{
	uint8_t frame[2048];

	while (next_frame(wire, 0, is_any, NULL, frame, sizeof(frame)))
		;
}

/* Ask for the address: exactly one answer, with that MAC (NULL: none at all). */
static void ask_arp(const char *target, const uint8_t *mac)
{
	struct net_addr addr = addr_of(target);
	uint8_t frame[2048];

	forget();
	send_frame(wire, frame, arp_request(target, frame));
	if (mac) {
		assert_true(next_frame(wire, 2000, is_arp_of, &addr, frame, sizeof(frame)) > 0);
		assert_memory_equal(frame + 22, mac, 6); /* what ARP says */
		assert_memory_equal(frame + 6, mac, 6);  /* what the switch learns */
	}
	if (next_frame(wire, 60, is_arp_of, &addr, frame, sizeof(frame)))
		fail_msg("%s: op %u from %02x:..:%02x", target, frame[21], frame[22], frame[27]);
}

static void ask_nd(const char *target, const uint8_t *mac)
{
	struct net_addr addr = addr_of(target);
	uint8_t frame[2048];

	forget();
	send_frame(wire, frame, solicitation(target, frame));
	if (mac) {
		assert_true(next_frame(wire, 2000, is_na_of, &addr, frame, sizeof(frame)) >= 86);
		assert_memory_equal(frame + 80, mac, 6);
		assert_memory_equal(frame + 6, mac, 6);
	}
	assert_int_equal(next_frame(wire, 60, is_na_of, &addr, frame, sizeof(frame)), 0);
}

static int add(const uint8_t *mac)
{
	int ifindex = 0;

	assert_int_equal(vrrp_net_add_macvlan(net, eth0, "vrrp51", mac, &ifindex), 0);
	assert_int_equal(ifindex, if_nametoindex("vrrp51"));
	assert_int_equal(vrrp_net_link_at(net, ifindex)->parent, eth0);
	assert_memory_equal(vrrp_net_link_at(net, ifindex)->mac, mac, 6);
	return ifindex;
}

static int sysctl_of(const char *interface, const char *key)
{
	int value = -1;

	assert_int_equal(vrrp_net_sysctl_get("ipv4", interface, key, &value), 0);
	return value;
}

/* A TCP connection and a ping from the client. */
static void use(const char *addr)
{
	netns_in_peer(true);
	sh("ip neigh flush dev peer0; ping -q -c 2 -i 0.01 -W 2 %s > /dev/null", addr);
	netns_in_peer(false);
	sh("timeout 5 nc %s -l -p 7777 -N > /dev/null < /dev/null & "
	   "for i in $(seq 250); do ss -ltn | grep -q :7777 && exit 0; sleep 0.02; done; exit 1",
		strchr(addr, ':') ? "-6" : "-4");
	netns_in_peer(true);
	sh("for i in 1 2 3 4 5 6 7 8 9 10; do echo hello | timeout 2 nc -N %s 7777 && exit 0; done; exit 1",
		addr);
	netns_in_peer(false);
}

/* ---- tests ---- */

static void test_arp(void **state)
{
	static const struct {
		unsigned prefix, flags, filter;
	} rows[] = {{24, VRRP_ADDRESS_NO_ROUTE, 0}, {32, 0, 0}, {24, VRRP_ADDRESS_NO_ROUTE, 1}, {24, 0, 0}};

	ask_arp("10.9.0.100", NULL);
	ask_arp("10.9.0.1", parent_mac);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vrrp_address address = address_of("10.9.0.100", rows[i].prefix);
		int ifindex;

		sh("echo %u > /proc/sys/net/ipv4/conf/all/rp_filter", rows[i].filter);
		ifindex = add(virtual_mac);
		ask_arp("10.9.0.100", NULL);
		ask_arp("10.9.0.1", parent_mac);
		assert_int_equal(vrrp_net_add_address(net, ifindex, &address, rows[i].flags), 0);
		for (int n = 0; n < 3; n++) {
			ask_arp("10.9.0.100", virtual_mac);
			ask_arp("10.9.0.1", parent_mac);
		}
		use("10.9.0.1");
		use("10.9.0.100");
		/* the client has learned no other MAC of it */
		netns_in_peer(true);
		sh("ip neigh show 10.9.0.100 | grep -q 00:00:5e:00:01:33");
		netns_in_peer(false);
		assert_int_equal(vrrp_net_set_up(net, ifindex, false), 0);
		ask_arp("10.9.0.100", NULL);
		assert_int_equal(vrrp_net_remove_address(net, ifindex, &address), 0);
		ask_arp("10.9.0.100", NULL);
		ask_arp("10.9.0.1", parent_mac);
		assert_int_equal(vrrp_net_remove_link(net, ifindex), 0);
	}
	sh("echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter");
}

/* What this host itself asks of the clients names its own address and MAC, and never the virtual one with the parent's. */
static void test_own_questions(void **state)
{
	struct vrrp_address address = address_of("10.9.0.100", 24);
	struct net_addr own = addr_of("10.9.0.1");
	int ifindex = add(virtual_mac);
	uint8_t frame[2048];

	assert_int_equal(vrrp_net_add_address(net, ifindex, &address, VRRP_ADDRESS_NO_ROUTE), 0);
	sh("ip neigh flush dev eth0; ping -q -c 1 -W 0.2 -I 10.9.0.100 10.9.0.77 > /dev/null; true");
	assert_true(next_frame(wire, 1000, is_arp_of, &own, frame, sizeof(frame)) > 0);
	assert_memory_equal(frame + 22, parent_mac, 6);
	assert_int_equal(next_frame(wire, 50, is_arp_of, &address.addr, frame, sizeof(frame)), 0);
}

static void test_nd(void **state)
{
	static const unsigned flags[] = {VRRP_ADDRESS_NO_ROUTE, 0};

	for (int forwarding = 0; forwarding < 2; forwarding++) {
		sh("echo %d > /proc/sys/net/ipv6/conf/all/forwarding", forwarding);
		struct vrrp_address address = address_of("fd09::100", 64),
				    local = address_of("fe80::100", 64);
		int ifindex = add(virtual_mac6);

		ask_nd("fd09::100", NULL);
		assert_int_equal(vrrp_net_add_address(net, ifindex, &address, flags[forwarding]), 0);
		assert_int_equal(vrrp_net_add_address(net, ifindex, &local, 0), 0);
		for (int n = 0; n < 3; n++) {
			ask_nd("fd09::100", virtual_mac6);
			ask_nd("fe80::100", virtual_mac6);
			ask_nd("fd09::1", parent_mac);
		}
		use("fd09::1");
		use("fd09::100");
		netns_in_peer(true);
		sh("ip neigh show fd09::100 | grep -q 00:00:5e:00:02:33");
		netns_in_peer(false);
		assert_int_equal(vrrp_net_set_up(net, ifindex, false), 0);
		assert_int_equal(vrrp_net_remove_address(net, ifindex, &address), 0);
		ask_nd("fd09::100", NULL);
		ask_nd("fd09::1", parent_mac);
		assert_int_equal(vrrp_net_remove_link(net, ifindex), 0);
	}
	sh("echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
}

/* A Backup says nothing with the virtual MAC: not when the device is made, nor when it leaves. As Active only for its
 * groups. */
static void test_silence(void **state)
{
	struct vrrp_address address = address_of("fd09::100", 64), v4 = address_of("10.9.0.100", 24);
	uint8_t frame[2048];
	int ifindex;

	sh("echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
	ifindex = add(virtual_mac6);
	assert_int_equal(next_frame(wire, 2500, is_virtual, NULL, frame, sizeof(frame)), 0);
	assert_int_equal(vrrp_net_add_address(net, ifindex, &address, VRRP_ADDRESS_NO_ROUTE), 0);
	assert_int_equal(vrrp_net_add_address(net, ifindex, &v4, VRRP_ADDRESS_NO_ROUTE), 0);
	while (next_frame(wire, 1500, is_virtual, NULL, frame, sizeof(frame)))
		if (frame[20] == 0) /* hop-by-hop: multicast listener report */
			assert_int_equal(frame[62], 143);
		else
			fail_msg("frame of %02x%02x, next header %u", frame[12], frame[13], frame[20]);
	assert_int_equal(vrrp_net_remove_address(net, ifindex, &v4), 0);
	assert_true(vrrp_net_link_at(net, ifindex)->up);
	assert_int_equal(vrrp_net_remove_address(net, ifindex, &address), 0);
	assert_false(vrrp_net_link_at(net, ifindex)->up);
	assert_int_equal(next_frame(wire, 1000, is_virtual, NULL, frame, sizeof(frame)), 0);
	assert_int_equal(vrrp_net_add_address(net, ifindex, &address, VRRP_ADDRESS_NO_ROUTE), 0);
	while (next_frame(wire, 1500, is_virtual, NULL, frame, sizeof(frame)))
		assert_int_equal(frame[62], 143);
	assert_int_equal(vrrp_net_remove_address(net, ifindex, &address), 0);
	assert_false(vrrp_net_link_at(net, ifindex)->up);
	assert_false(vrrp_net_has_address(net, ifindex, &address.addr));
	assert_int_equal(next_frame(wire, 2500, is_virtual, NULL, frame, sizeof(frame)), 0);
	/* no address of its own */
	sh("! ip addr show dev vrrp51 | grep -q inet");
	assert_int_equal(vrrp_net_remove_link(net, ifindex), 0);
	assert_int_equal(next_frame(wire, 200, is_virtual, NULL, frame, sizeof(frame)), 0);
	sh("echo 0 > /proc/sys/net/ipv6/conf/all/forwarding");
}

/* Somebody else who is Active too sends with the very MAC of the device: the parent hears it nonetheless. */
static void test_hears_its_mac(void **state)
{
	struct vrrp_address address = address_of("10.9.0.100", 24);
	struct ip_mreqn membership = {.imr_ifindex = eth0};
	uint8_t frame[60] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, 0, 0, 0, 0, 0, 0, 0x08, 0x00, 0x45, 0xc0, 0,
		28, 0, 0, 0, 0, 255, 112, 0, 0, 10, 9, 0, 2, 224, 0, 0, 18, 0x31, 51, 100};
	int heard = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, 112), ifindex = add(virtual_mac);
	struct timeval patience = {.tv_sec = 2};
	uint16_t sum = (uint16_t)~sum16(frame + 14, 20, 0);

	memcpy(frame + 6, virtual_mac, 6);
	frame[24] = (uint8_t)(sum >> 8);
	frame[25] = (uint8_t)sum;
	memcpy(&membership.imr_multiaddr, frame + 30, 4);
	assert_int_equal(setsockopt(heard, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5), 0);
	assert_int_equal(setsockopt(heard, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(
		setsockopt(heard, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)), 0);
	assert_int_equal(vrrp_net_add_address(net, ifindex, &address, VRRP_ADDRESS_NO_ROUTE), 0);
	send_frame(wire, frame, sizeof(frame));
	assert_int_equal(recv(heard, frame, sizeof(frame), 0), 28);
	close(heard);
	assert_int_equal(vrrp_net_remove_link(net, ifindex), 0);
}

/* From the first address to the first answer: nothing waits for a link that settles, nor for the kernel to become a member of
 * the group to which a client sends its question. It asks once. */
static void test_answers_at_once(void **state)
{
	struct vrrp_address address = address_of("10.9.0.100", 24), v6 = address_of("fd09::100", 64);
	int ifindex = add(virtual_mac);
	uint8_t frame[2048];

	for (int round = 0; round < 100; round++) {
		forget();
		assert_int_equal(vrrp_net_add_address(net, ifindex, &v6, VRRP_ADDRESS_NO_ROUTE), 0);
		send_frame(wire, frame, solicitation("fd09::100", frame));
		assert_true(next_frame(wire, 2000, is_na_of, &v6.addr, frame, sizeof(frame)) > 0);
		assert_int_equal(vrrp_net_add_address(net, ifindex, &address, VRRP_ADDRESS_NO_ROUTE), 0);
		send_frame(wire, frame, arp_request("10.9.0.100", frame));
		assert_true(next_frame(wire, 2000, is_arp_of, &address.addr, frame, sizeof(frame)) > 0);
		if (round % 2)
			assert_int_equal(vrrp_net_set_up(net, ifindex, false), 0);
		assert_int_equal(vrrp_net_remove_address(net, ifindex, &address), 0);
		assert_int_equal(vrrp_net_remove_address(net, ifindex, &v6), 0);
	}
}

/* What the parent's sysctls were comes back with the last one, by whoever removes it, and not over somebody's change. */
static void test_parent_restored(void **state)
{
	static const uint8_t other_mac[6] = {0x00, 0x00, 0x5e, 0x00, 0x01, 0x34};
	int first, second;

	sh("echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_announce");
	first = add(virtual_mac);
	assert_int_equal(vrrp_net_add_macvlan(net, eth0, "vrrp52", other_mac, &second), 0);
	assert_int_equal(sysctl_of("eth0", "arp_ignore"), 1);
	assert_int_equal(sysctl_of("eth0", "arp_announce"), 2);
	assert_int_equal(vrrp_net_remove_link(net, first), 0);
	assert_int_equal(sysctl_of("eth0", "arp_announce"), 2);

	vrrp_net_close(net); /* another process: it knows what the kernel knows */
	assert_int_equal(vrrp_net_open(&net, loop, &ops, NULL), 0);
	assert_int_equal(vrrp_net_remove_link(net, second), 0);
	assert_int_equal(sysctl_of("eth0", "arp_ignore"), 0);
	assert_int_equal(sysctl_of("eth0", "arp_announce"), 1);

	first = add(virtual_mac);
	sh("echo 0 > /proc/sys/net/ipv4/conf/eth0/arp_announce");
	assert_int_equal(vrrp_net_remove_link(net, first), 0);
	assert_int_equal(sysctl_of("eth0", "arp_announce"), 0);
	assert_int_equal(sysctl_of("eth0", "arp_ignore"), 0);
}

/* What comes in by it is routed as what comes in by the parent, whatever new interfaces get. */
static void test_forwards_as_its_parent(void **state)
{
	int value = -1;

	sh("echo 1 > /proc/sys/net/ipv4/conf/eth0/forwarding; echo 1 > /proc/sys/net/ipv6/conf/eth0/forwarding");
	add(virtual_mac);
	assert_int_equal(sysctl_of("vrrp51", "forwarding"), 1);
	assert_int_equal(vrrp_net_sysctl_get("ipv6", "vrrp51", "forwarding", &value), 0);
	assert_int_equal(value, 1);
	sh("echo 0 > /proc/sys/net/ipv4/conf/eth0/forwarding; echo 0 > /proc/sys/net/ipv6/conf/eth0/forwarding");
	add(virtual_mac);
	assert_int_equal(sysctl_of("vrrp51", "forwarding"), 0);
}

/* Another program sets what we had set, and what we have as the parent has it. */
static void test_kept(void **state)
{
	char which[160];
	int ifindex = add(virtual_mac), value = -1;

	assert_int_equal(vrrp_net_keep_macvlan(net, ifindex, which, sizeof(which)), 0);
	assert_string_equal(which, "");
	sh("echo 0 > /proc/sys/net/ipv4/conf/eth0/arp_ignore; echo 1 > /proc/sys/net/ipv4/conf/eth0/arp_announce; "
	   "echo 1 > /proc/sys/net/ipv4/conf/vrrp51/rp_filter; echo 1 > /proc/sys/net/ipv6/conf/vrrp51/autoconf; "
	   "echo 1 > /proc/sys/net/ipv6/conf/eth0/forwarding");
	assert_int_equal(vrrp_net_keep_macvlan(net, ifindex, which, sizeof(which)), 4);
	assert_string_equal(which, "net.ipv4.conf.eth0.arp_ignore from 1 to 0");
	assert_int_equal(sysctl_of("eth0", "arp_ignore"), 1);
	assert_int_equal(sysctl_of("eth0", "arp_announce"), 2);
	assert_int_equal(sysctl_of("vrrp51", "rp_filter"), 2);
	assert_int_equal(vrrp_net_sysctl_get("ipv6", "vrrp51", "addr_gen_mode", &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(vrrp_net_sysctl_get("ipv6", "vrrp51", "autoconf", &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(vrrp_net_sysctl_get("ipv6", "vrrp51", "forwarding", &value), 0);
	assert_int_equal(value, 1);
	sh("echo 0 > /proc/sys/net/ipv6/conf/eth0/forwarding");
	assert_int_equal(vrrp_net_keep_macvlan(net, ifindex, which, sizeof(which)), 0);
	assert_int_equal(vrrp_net_remove_link(net, ifindex), 0);
	assert_int_equal(sysctl_of("eth0", "arp_ignore"), 0);
	assert_int_equal(vrrp_net_keep_macvlan(net, ifindex, which, sizeof(which)), 0);
	assert_int_equal(sysctl_of("eth0", "arp_ignore"), 0);
}

static void test_taken_over_or_replaced(void **state)
{
	struct vrrp_address address = address_of("10.9.0.100", 24);
	int first = add(virtual_mac), ifindex;

	assert_int_equal(vrrp_net_add_address(net, first, &address, VRRP_ADDRESS_NO_ROUTE), 0);
	sh("echo 0 > /proc/sys/net/ipv4/conf/vrrp51/arp_ignore");
	assert_int_equal(add(virtual_mac), first);
	assert_int_equal(sysctl_of("vrrp51", "arp_ignore"), 1);
	assert_true(vrrp_net_has_address(net, first, &address.addr));
	assert_true(vrrp_net_link_at(net, first)->up);
	ifindex = add(virtual_mac6);
	assert_int_not_equal(ifindex, first);
	assert_null(vrrp_net_link_at(net, first));
	run_for(0.05);
	assert_int_equal(vrrp_net_link(net, "vrrp51")->ifindex, ifindex);

	sh("ip link set vrrp51 down && ip link del vrrp51 && ip link add vrrp51 link eth0 type macvlan mode bridge && "
	   "ip link set vrrp51 address 00:00:5e:00:01:33");
	add(virtual_mac);
	sh("ip -d link show vrrp51 | grep -q 'macvlan mode vepa'");
}

static void test_refusals(void **state)
{
	int ifindex;

	assert_int_equal(vrrp_net_add_macvlan(net, 4711, "vrrp51", virtual_mac, &ifindex), -ENODEV);
	assert_int_equal(vrrp_net_remove_link(net, 4711), 0);
	assert_int_equal(vrrp_net_remove_link(net, eth0), -EPERM);
	sh("ip link add vrrp51 type veth peer name other51");
	assert_int_equal(vrrp_net_add_macvlan(net, eth0, "vrrp51", virtual_mac, &ifindex), -EEXIST);
	sh("ip link del vrrp51");
	assert_int_equal(sysctl_of("eth0", "arp_ignore"), 0);
	assert_int_equal(vrrp_net_set_up(net, 4711, true), -ENODEV);

	sh("ip link add br0 type bridge && ip link add a0 type veth peer name a1 && ip link set a0 master br0");
	assert_int_equal(
		vrrp_net_add_macvlan(net, (int)if_nametoindex("a0"), "vrrp51", virtual_mac, &ifindex),
		-EBUSY);
	assert_int_equal(if_nametoindex("vrrp51"), 0);
	sh("ip link del br0 && ip link del a0");
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {ROW(test_arp), ROW(test_own_questions), ROW(test_nd),
		ROW(test_silence), ROW(test_hears_its_mac), ROW(test_answers_at_once),
		ROW(test_parent_restored), ROW(test_forwards_as_its_parent), ROW(test_kept),
		ROW(test_taken_over_or_replaced), ROW(test_refusals)};

	netns_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
