/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Announcements and advert frames, byte by byte. The neighbour advertisements are those that FRR 8.4.4 and keepalived
 * 2.2.7 sent for the same address and MAC; checksums are verified over the whole as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vrrp/vrrp_frame.h"

static struct net_addr address(const char *text)
{
	struct net_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

/* One's complement sum (RFC 1071) of an even number of bytes, after others. */
static uint32_t sum(uint32_t before, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += 2)
		before += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (before >> 16)
		before = (before & 0xffff) + (before >> 16);
	return before;
}

/* Announce into a block of the greatest length, which is untouched behind. */
static void assert_announces(
	const char *text, const uint8_t mac[6], bool router, const uint8_t *want, size_t want_len)
{
	struct net_addr addr = address(text);
	uint8_t buf[VRRP_ANNOUNCE_MAX];

	memset(buf, 0xa5, sizeof(buf));
	assert_int_equal(vrrp_frame_announce(&addr, mac, router, buf), want_len);
	assert_memory_equal(buf, want, want_len);
	for (size_t i = want_len; i < sizeof(buf); i++)
		assert_int_equal(buf[i], 0xa5);
}

static void gratuitous_arp(void **state)
{
	static const uint8_t mac[6] = {0x00, 0x00, 0x5e, 0x00, 0x01, 0x33};
	static const uint8_t want[42] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff,                /* to everybody */
		0x00, 0x00, 0x5e, 0x00, 0x01, 0x33,                /* from the MAC that has it */
		0x08, 0x06,                                        /* ARP */
		0x00, 0x01, 0x08, 0x00, 6, 4,                      /* Ethernet, IPv4 */
		0x00, 0x01,                                        /* a request */
		0x00, 0x00, 0x5e, 0x00, 0x01, 0x33, 10, 9, 1, 100, /* sender */
		0x00, 0x00, 0x5e, 0x00, 0x01, 0x33, 10, 9, 1, 100, /* target */
	};

	assert_announces("10.9.1.100", mac, true, want, sizeof(want));
	assert_announces("10.9.1.100", mac, false, want, sizeof(want)); /* IPv4 knows no flag for routers */
}

static void neighbour_advertisement_of_a_router(void **state)
{
	static const uint8_t mac[6] = {0x00, 0x00, 0x5e, 0x00, 0x02, 0x05};
	static const uint8_t want[86] = {
		0x33, 0x33, 0x00, 0x00, 0x00, 0x01, /* to all nodes */
		0x00, 0x00, 0x5e, 0x00, 0x02, 0x05, /* from the MAC that has it */
		0x86, 0xdd,                         /* IPv6 */
		0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 58, 255, 0xfd, 0x00, 0x00, 0x09, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0x01, 0x10,                                                 /* source: the address */
		0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01,          /* destination */
		136, 0, 0x7a, 0x66, 0xa0, 0, 0, 0,                                /* R=1 S=0 O=1 */
		0xfd, 0x00, 0x00, 0x09, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01, 0x10, /* target: the address */
		2, 1, 0x00, 0x00, 0x5e, 0x00, 0x02, 0x05, /* target link-layer address */
	};

	assert_announces("fd00:9::110", mac, true, want, sizeof(want));
}

static void neighbour_advertisement_of_a_host(void **state)
{
	static const uint8_t mac[6] = {0x02, 0x00, 0x00, 0x00, 0x00, 0x0a};
	static const uint8_t want[86] = {
		0x33, 0x33, 0x00, 0x00, 0x00, 0x01, /* to all nodes */
		0x02, 0x00, 0x00, 0x00, 0x00, 0x0a, /* from the MAC that has it */
		0x86, 0xdd,                         /* IPv6 */
		0x60, 0x00, 0x00, 0x00, 0x00, 0x20, 58, 255, 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0x09, 0, 0x01,                                              /* source: the address */
		0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x01,    /* destination */
		136, 0, 0x57, 0x80, 0x20, 0, 0, 0,                          /* R=0 S=0 O=1 */
		0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, 0, 0x01, /* target: the address */
		2, 1, 0x02, 0x00, 0x00, 0x00, 0x00, 0x0a,                   /* target link-layer address */
	};

	assert_announces("fe80::9:1", mac, false, want, sizeof(want));
}

/* Whatever the address, the checksum fits (RFC 4443 section 2.3). */
static void neighbour_advertisement_checksums(void **state)
{
	struct net_addr addr = {.family = AF_INET6};
	uint8_t buf[VRRP_ANNOUNCE_MAX], mac[6];
	uint32_t seed = 1;

	for (int round = 0; round < 1000; round++) {
		for (size_t i = 0; i < 22; i++) {
			seed = seed * 1664525 + 1013904223;
			*(i < 16 ? &addr.bytes[i] : &mac[i - 16]) = (uint8_t)(seed >> 24);
		}
		vrrp_frame_announce(&addr, mac, round % 2, buf);
		assert_int_equal(sum(sum(32 + 58, buf + 22, 32), buf + 54, 32), 0xffff);
	}
}

static const uint8_t MAC[6] = {0x00, 0x00, 0x5e, 0x00, 0x01, 0x34};

static void advert_over_ipv4(void **state)
{
	static const uint8_t payload[12] = {
		0x31, 0x34, 0x64, 0x01, 0x00, 0x0a, 0x73, 0xb7, 0x0a, 0x09, 0x01, 0x66};
	static const uint8_t want[46] = {
		0x01,
		0x00,
		0x5e,
		0x00,
		0x00,
		0x12, /* of 224.0.0.18 (RFC 1112 section 6.4) */
		0x00,
		0x00,
		0x5e,
		0x00,
		0x01,
		0x34,
		0x08,
		0x00,
		0x45,
		0xc0,
		0x00,
		0x20,
		0x00,
		0x00,
		0x40,
		0x00, /* DF */
		255,
		112,
		0x8f,
		0x90,
		10,
		9,
		1,
		2,
		224,
		0,
		0,
		18,
		0x31,
		0x34,
		0x64,
		0x01,
		0x00,
		0x0a,
		0x73,
		0xb7,
		0x0a,
		0x09,
		0x01,
		0x66,
	};
	struct net_addr source = address("10.9.1.2");
	uint8_t frame[VRRP_FRAME_MAX];

	assert_int_equal(sum(0, want + 14, 20), 0xffff);
	memset(frame, 0xa5, sizeof(frame));
	assert_int_equal(vrrp_frame_advert(MAC, &source, payload, sizeof(payload), frame, sizeof(want)), 46);
	assert_memory_equal(frame, want, sizeof(want));
	assert_int_equal(frame[46], 0xa5);
	assert_int_equal(vrrp_frame_advert(MAC, &source, payload, 12, frame, 45), -ENOSPC);
}

static void advert_over_ipv6(void **state)
{
	static const uint8_t payload[24] = {
		0x31, 0x35, 0xfe, 0x01, 0x00, 0x32, 0xd6, 0xc8, 0xfe, 0x80, [23] = 0x09};
	static const uint8_t head[54] = {
		0x33,
		0x33,
		0x00,
		0x00,
		0x00,
		0x12, /* of ff02::12 (RFC 2464 section 7) */
		0x00,
		0x00,
		0x5e,
		0x00,
		0x01,
		0x34,
		0x86,
		0xdd,
		0x6c,
		0x00,
		0x00,
		0x00,
		0x00,
		0x18,
		112,
		255, /* traffic class 0xc0 */
		0xfe,
		0x80,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0x00,
		0xff,
		0xfe,
		0x00,
		0x00,
		0x0a,
		0xff,
		0x02,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0x12,
	};
	struct net_addr source = address("fe80::ff:fe00:a");
	uint8_t frame[VRRP_FRAME_MAX];

	memset(frame, 0xa5, sizeof(frame));
	assert_int_equal(vrrp_frame_advert(MAC, &source, payload, sizeof(payload), frame, 78), 78);
	assert_memory_equal(frame, head, sizeof(head));
	assert_memory_equal(frame + sizeof(head), payload, sizeof(payload));
	assert_int_equal(frame[78], 0xa5);
	assert_int_equal(vrrp_frame_advert(MAC, &source, payload, 24, frame, 77), -ENOSPC);
}

/* As long as an advert may be, and one byte longer. */
static void longest_adverts(void **state)
{
	static const char *const sources[] = {"10.9.1.2", "fe80::2"};
	static const uint8_t payload[VRRP_ADVERT_MAX + 1];
	uint8_t *frame = malloc(VRRP_FRAME_MAX);

	assert_non_null(frame);
	for (size_t i = 0; i < 2; i++) {
		struct net_addr source = address(sources[i]);
		int header = source.family == AF_INET6 ? 54 : 34;

		assert_int_equal(
			vrrp_frame_advert(MAC, &source, payload, VRRP_ADVERT_MAX, frame, VRRP_FRAME_MAX),
			header + VRRP_ADVERT_MAX);
		if (source.family == AF_INET)
			assert_int_equal(sum(0, frame + 14, 20), 0xffff);
		assert_int_equal(frame[i ? 18 : 16] << 8 | frame[i ? 19 : 17],
			VRRP_ADVERT_MAX + (source.family == AF_INET ? 20 : 0));
		assert_int_equal(
			vrrp_frame_advert(MAC, &source, payload, VRRP_ADVERT_MAX + 1, frame, SIZE_MAX),
			-ENOSPC);
	}
	free(frame);
}

static void a_source_of_no_family(void **state)
{
	struct net_addr none = {.family = AF_UNSPEC};
	uint8_t frame[VRRP_FRAME_MAX] = {0};

	assert_int_equal(vrrp_frame_advert(MAC, &none, MAC, 6, frame, sizeof(frame)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gratuitous_arp),
		cmocka_unit_test(neighbour_advertisement_of_a_router),
		cmocka_unit_test(neighbour_advertisement_of_a_host),
		cmocka_unit_test(neighbour_advertisement_checksums),
		cmocka_unit_test(advert_over_ipv4),
		cmocka_unit_test(advert_over_ipv6),
		cmocka_unit_test(longest_adverts),
		cmocka_unit_test(a_source_of_no_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
