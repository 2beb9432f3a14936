/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Adverts there and back in every version, family and checksum form; cut at every length; with every bit turned; each
 * reason to discard one; and the bytes that other speakers sent. The checksums of broken packets are repaired by this
 * file's own arithmetic, so that what is tested is the check behind them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vrrp/vrrp_packet.h"
#include "vrrp_golden.h"

#define MAX 4200 /* more than VRRP_ADVERT_MAX, for what trails */

static struct vrrp_ip ip_of(const char *source, const char *destination)
{
	struct vrrp_ip ip = {.ttl = 255};

	assert_int_equal(addr_parse(source, &ip.source), 0);
	assert_int_equal(addr_parse(destination, &ip.destination), 0);
	return ip;
}

static struct vrrp_ip ip_multicast(uint8_t family)
{
	return family == AF_INET6 ? ip_of("fe80::2", "ff02::12") : ip_of("10.0.0.2", "224.0.0.18");
}

/* The checksum as RFC 1071 writes it, over a pseudo-header that is laid out and not summed by parts. */
static void repair(uint8_t *buf, size_t len, const struct vrrp_ip *ip, bool pseudo)
{
	uint8_t all[64 + MAX + 1] = {0};
	size_t at = 0, each = ip->source.family == AF_INET6 ? 16 : 4;
	uint32_t sum = 0;

	buf[6] = buf[7] = 0;
	if (pseudo) {
		memcpy(all, ip->source.bytes, each);
		memcpy(all + each, ip->destination.bytes, each);
		all[2 * each + 1] = 112;
		all[2 * each + 2] = (uint8_t)(len >> 8);
		all[2 * each + 3] = (uint8_t)len;
		at = 2 * each + 4;
	}
	memcpy(all + at, buf, len);
	for (size_t i = 0; i < at + len; i += 2)
		sum += (uint32_t)(all[i] << 8 | all[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	buf[6] = (uint8_t)(~sum >> 8);
	buf[7] = (uint8_t)~sum;
}

/* Decode out of a block of the packet's very size, so that the sanitizer sees one byte too many. */
static enum vrrp_discard decode(const uint8_t *buf, size_t len, const struct vrrp_ip *ip)
{
	uint8_t *exact = malloc(len ? len : 1);
	struct vrrp_advert got;
	enum vrrp_discard verdict;

	assert_non_null(exact);
	memcpy(exact, buf, len);
	verdict = vrrp_packet_decode(exact, len, ip, &got, NULL);
	free(exact);
	return verdict;
}

/* Addresses of an advert: fe80::.. or 10.. */
static const uint8_t *addresses_of(uint8_t family)
{
	static uint8_t ipv4[4 * VRRP_COUNT_MAX], ipv6[16 * VRRP_COUNT_MAX];

	for (size_t i = 0; i < VRRP_COUNT_MAX; i++) {
		memcpy(ipv4 + 4 * i, (uint8_t[4]){10, 1, 2, (uint8_t)(i + 1)}, 4);
		memcpy(ipv6 + 16 * i, (uint8_t[16]){0xfe, 0x80, [8] = 0xab, [15] = (uint8_t)(i + 1)}, 16);
	}
	return family == AF_INET6 ? ipv6 : ipv4;
}

static struct vrrp_advert advert_of(uint8_t version, uint8_t family, uint8_t count)
{
	return (struct vrrp_advert){
		.version = version,
		.vrid = 51,
		.priority = 150,
		.count = count,
		.interval_ms = version == 2 ? 3000 : 1230,
		.family = family,
		.addresses = addresses_of(family),
	};
}

/* A good packet to be broken; its length. */
static size_t packet_of(uint8_t version, uint8_t family, uint8_t *buf)
{
	struct vrrp_advert advert = advert_of(version, family, 2);
	struct vrrp_ip ip = ip_multicast(family);
	int len = vrrp_packet_encode(&advert, &ip, VRRP_FORM_LEGACY, buf, MAX);

	assert_true(len > 0);
	return (size_t)len;
}

static void assert_same(const struct vrrp_advert *a, const struct vrrp_advert *b)
{
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->vrid, b->vrid);
	assert_int_equal(a->priority, b->priority);
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->interval_ms, b->interval_ms);
	assert_int_equal(a->family, b->family);
	assert_memory_equal(a->addresses, b->addresses, a->count * (a->family == AF_INET6 ? 16u : 4u));
}

static const struct kind {
	uint8_t version, family;
	enum vrrp_checksum_form form;
} KINDS[] = {
	{2, AF_INET, VRRP_FORM_ONLY},
	{3, AF_INET, VRRP_FORM_LEGACY},
	{3, AF_INET, VRRP_FORM_RFC9568},
	{3, AF_INET6, VRRP_FORM_ONLY},
};
#define KIND_COUNT (sizeof(KINDS) / sizeof(KINDS[0]))

static void there_and_back(const struct kind *kind, const struct vrrp_advert *advert)
{
	size_t each = kind->family == AF_INET6 ? 16 : 4;
	size_t len = 8 + each * advert->count + (kind->version == 2 ? 8 : 0);
	struct vrrp_ip ip = ip_multicast(kind->family);
	uint8_t buf[MAX], own[MAX];
	enum vrrp_checksum_form form;
	struct vrrp_advert got;

	memset(buf, 0xa5, sizeof(buf));
	assert_int_equal(vrrp_packet_encode(advert, &ip, kind->form, buf, len - 1), -ENOSPC);
	assert_int_equal(vrrp_packet_encode(advert, &ip, kind->form, buf, len), len);
	assert_int_equal(buf[len], 0xa5);
	memcpy(own, buf, len);
	repair(own, len, &ip, kind->version == 3 && kind->form != VRRP_FORM_RFC9568);
	assert_memory_equal(buf, own, len);
	assert_int_equal(vrrp_packet_decode(buf, len, &ip, &got, &form), VRRP_OK);
	assert_int_equal(form, kind->form);
	assert_ptr_equal(got.addresses, buf + 8);
	assert_same(&got, advert);
}

static void round_trip(void **state)
{
	static const uint8_t counts[] = {1, 2, 3, 20, 127, 128, 254, 255}, ids[] = {1, 2, 128, 255};
	static const uint8_t priorities[] = {0, 1, 100, 254, 255};
	static const uint32_t seconds[] = {1000, 2000, 255000};
	static const uint32_t centiseconds[] = {10, 100, 1000, 2550, 2560, 40950};

	for (size_t k = 0; k < KIND_COUNT; k++) {
		struct vrrp_advert advert = advert_of(KINDS[k].version, KINDS[k].family, 1);
		const uint32_t *intervals = advert.version == 2 ? seconds : centiseconds;
		size_t interval_count = advert.version == 2 ? 3 : 6;

		for (size_t i = 0; i < sizeof(counts); i++) {
			advert.count = counts[i];
			there_and_back(&KINDS[k], &advert);
		}
		advert.count = 3;
		for (size_t i = 0; i < sizeof(ids); i++) {
			advert.vrid = ids[i];
			there_and_back(&KINDS[k], &advert);
		}
		for (size_t i = 0; i < sizeof(priorities); i++) {
			advert.priority = priorities[i];
			there_and_back(&KINDS[k], &advert);
		}
		for (size_t i = 0; i < interval_count; i++) {
			advert.interval_ms = intervals[i];
			there_and_back(&KINDS[k], &advert);
		}
	}
}

static void every_truncation(void **state)
{
	static const uint8_t counts[] = {1, 2, 255};
	uint8_t buf[MAX];

	for (size_t k = 0; k < KIND_COUNT; k++)
		for (size_t i = 0; i < sizeof(counts); i++) {
			struct vrrp_advert advert = advert_of(KINDS[k].version, KINDS[k].family, counts[i]);
			struct vrrp_ip ip = ip_multicast(advert.family);
			int len = vrrp_packet_encode(&advert, &ip, KINDS[k].form, buf, sizeof(buf));

			assert_int_equal(decode(buf, (size_t)len, &ip), VRRP_OK);
			for (size_t cut = 0; cut < (size_t)len; cut++)
				assert_int_equal(decode(buf, cut, &ip), VRRP_DISCARD_LENGTH);
		}
}

static void every_bit_turned(void **state)
{
	uint8_t buf[MAX];

	for (size_t k = 0; k < KIND_COUNT; k++) {
		struct vrrp_advert advert = advert_of(KINDS[k].version, KINDS[k].family, 2);
		struct vrrp_ip ip = ip_multicast(advert.family);
		int len = vrrp_packet_encode(&advert, &ip, KINDS[k].form, buf, sizeof(buf));

		for (size_t bit = 0; bit < (size_t)len * 8; bit++) {
			buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(decode(buf, (size_t)len, &ip), VRRP_OK);
			buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void discard_ttl(void **state)
{
	struct vrrp_ip ip = ip_multicast(AF_INET);
	uint8_t buf[MAX];
	size_t len = packet_of(3, AF_INET, buf);

	for (int ttl = 0; ttl < 255; ttl++) {
		ip.ttl = (uint8_t)ttl;
		assert_int_equal(decode(buf, len, &ip), VRRP_DISCARD_TTL);
	}
	assert_int_equal(decode(buf, 0, &ip), VRRP_DISCARD_TTL); /* whoever sent it is not on the link */
}

static void discard_length(void **state)
{
	struct vrrp_ip ip = ip_multicast(AF_INET);
	uint8_t buf[MAX];
	size_t len = packet_of(2, AF_INET, buf);

	repair(buf, len - 8, &ip, false); /* without authentication data, which RFC 3768 section 5.3.10 has */
	assert_int_equal(decode(buf, len - 8, &ip), VRRP_DISCARD_LENGTH);
	len = packet_of(3, AF_INET, buf);
	buf[3] = 255;
	repair(buf, len, &ip, true);
	assert_int_equal(decode(buf, len, &ip), VRRP_DISCARD_LENGTH);
}

static void discard_version(void **state)
{
	struct vrrp_ip ip = ip_multicast(AF_INET), ipv6 = ip_multicast(AF_INET6), none = {.ttl = 255};
	uint8_t buf[MAX] = {0};
	size_t len = packet_of(3, AF_INET, buf);

	for (unsigned version = 0; version < 16; version++) {
		buf[0] = (uint8_t)(version << 4 | 1);
		repair(buf, len, &ip, true);
		if (version != 2 && version != 3)
			assert_int_equal(decode(buf, len, &ip), VRRP_DISCARD_VERSION);
	}
	len = packet_of(3, AF_INET6, buf);
	buf[0] = 0x21;
	repair(buf, len, &ipv6, true);
	assert_int_equal(decode(buf, len, &ipv6), VRRP_DISCARD_VERSION); /* there is no version 2 over IPv6 */
	buf[0] = 0x31;
	assert_int_equal(decode(buf, len, &none), VRRP_DISCARD_VERSION);
}

static void discard_type(void **state)
{
	struct vrrp_ip ip = ip_multicast(AF_INET);
	uint8_t buf[MAX];
	size_t len = packet_of(3, AF_INET, buf);

	for (unsigned type = 0; type < 16; type++) {
		buf[0] = (uint8_t)(0x30 | type);
		repair(buf, len, &ip, true);
		assert_int_equal(decode(buf, len, &ip), type == 1 ? VRRP_OK : VRRP_DISCARD_TYPE);
	}
}

static void discard_checksum(void **state)
{
	struct vrrp_ip ip = ip_multicast(AF_INET), ipv6 = ip_multicast(AF_INET6);
	uint8_t buf[MAX];
	size_t len = packet_of(2, AF_INET, buf);

	repair(buf, len, &ip, true); /* version 2 has no pseudo-header */
	assert_int_equal(decode(buf, len, &ip), VRRP_DISCARD_CHECKSUM);
	len = packet_of(3, AF_INET6, buf);
	repair(buf, len, &ipv6, false); /* over IPv6 it always has one */
	assert_int_equal(decode(buf, len, &ipv6), VRRP_DISCARD_CHECKSUM);
	len = packet_of(3, AF_INET, buf);
	buf[7] ^= 1;
	assert_int_equal(decode(buf, len, &ip), VRRP_DISCARD_CHECKSUM);
	buf[1] = buf[3] = buf[4] = buf[5] = 0; /* nothing of what it says is believed before */
	assert_int_equal(decode(buf, len, &ip), VRRP_DISCARD_CHECKSUM);
}

/* To somebody else than the sender said: the pseudo-header holds the destination. */
static void discard_checksum_of_another_destination(void **state)
{
	struct vrrp_ip ip = ip_of("10.0.0.2", "10.0.0.1"), other = ip_of("10.0.0.2", "10.0.0.3");
	struct vrrp_advert advert = advert_of(3, AF_INET, 1);
	uint8_t buf[MAX];
	int len = vrrp_packet_encode(&advert, &ip, VRRP_FORM_LEGACY, buf, sizeof(buf));

	assert_int_equal(decode(buf, (size_t)len, &ip), VRRP_OK);
	assert_int_equal(decode(buf, (size_t)len, &other), VRRP_DISCARD_CHECKSUM);
}

/* A packet whose checksum fits, and which is discarded for what stands behind: the header's fields are there. */
static void assert_discarded_with_fields(
	uint8_t *buf, size_t len, uint8_t family, bool pseudo, enum vrrp_discard why)
{
	struct vrrp_ip ip = ip_multicast(family);
	enum vrrp_checksum_form form = 99;
	struct vrrp_advert got;

	repair(buf, len, &ip, pseudo);
	memset(&got, 0xee, sizeof(got));
	assert_int_equal(decode(buf, len, &ip), why);
	assert_int_equal(vrrp_packet_decode(buf, len, &ip, &got, &form), why);
	assert_int_equal(got.version, buf[0] >> 4);
	assert_int_equal(got.vrid, buf[1]);
	assert_int_equal(got.priority, buf[2]);
	assert_int_equal(got.count, buf[3]);
	assert_int_equal(got.family, family);
	assert_int_equal(form, family == AF_INET && pseudo ? VRRP_FORM_LEGACY : VRRP_FORM_ONLY);
}

static void discard_count(void **state)
{
	uint8_t buf[MAX];
	size_t len = packet_of(3, AF_INET, buf);

	buf[3] = 0;
	assert_discarded_with_fields(buf, len, AF_INET, true, VRRP_DISCARD_COUNT);
	assert_discarded_with_fields(buf, 8, AF_INET, true, VRRP_DISCARD_COUNT);
	len = packet_of(3, AF_INET6, buf);
	buf[3] = 0;
	assert_discarded_with_fields(buf, 8, AF_INET6, true, VRRP_DISCARD_COUNT);
	len = packet_of(2, AF_INET, buf);
	buf[3] = 0;
	assert_discarded_with_fields(buf, 16, AF_INET, false, VRRP_DISCARD_COUNT);
}

static void discard_interval(void **state)
{
	uint8_t buf[MAX];
	size_t len = packet_of(3, AF_INET, buf);

	buf[4] = 0xf0; /* the reserved bits are none of it */
	buf[5] = 0;
	assert_discarded_with_fields(buf, len, AF_INET, true, VRRP_DISCARD_INTERVAL);
	len = packet_of(3, AF_INET6, buf);
	buf[4] = buf[5] = 0;
	assert_discarded_with_fields(buf, len, AF_INET6, true, VRRP_DISCARD_INTERVAL);
	len = packet_of(2, AF_INET, buf);
	buf[5] = 0;
	assert_discarded_with_fields(buf, len, AF_INET, false, VRRP_DISCARD_INTERVAL);
}

static void discard_link_local(void **state)
{
	struct vrrp_ip ip = ip_multicast(AF_INET6);
	uint8_t buf[MAX];
	size_t len = packet_of(3, AF_INET6, buf);

	buf[8] = 0xfd;
	assert_discarded_with_fields(buf, len, AF_INET6, true, VRRP_DISCARD_LINK_LOCAL);
	buf[8] = 0xfe;
	buf[9] = 0xc0; /* fec0::/10 is not fe80::/10 */
	assert_discarded_with_fields(buf, len, AF_INET6, true, VRRP_DISCARD_LINK_LOCAL);
	buf[9] = 0xbf;  /* the last of fe80::/10 */
	buf[24] = 0xfd; /* the second may be any */
	repair(buf, len, &ip, true);
	assert_int_equal(decode(buf, len, &ip), VRRP_OK);
}

static void discard_auth(void **state)
{
	uint8_t buf[MAX];
	size_t len = packet_of(2, AF_INET, buf);

	for (unsigned type = 1; type < 256; type++) {
		buf[4] = (uint8_t)type;
		assert_discarded_with_fields(buf, len, AF_INET, false, VRRP_DISCARD_AUTH);
	}
}

static void discard_vrid_0(void **state)
{
	uint8_t buf[MAX];
	size_t len = packet_of(3, AF_INET6, buf);

	buf[1] = 0;
	assert_discarded_with_fields(buf, len, AF_INET6, true, VRRP_DISCARD_VRID);
}

/* RFC 9568 section 5.2.6: sent as 0, ignored. */
static void reserved_bits_are_ignored(void **state)
{
	struct vrrp_ip ip = ip_multicast(AF_INET);
	struct vrrp_advert got;
	uint8_t buf[MAX];
	size_t len = packet_of(3, AF_INET, buf);

	assert_int_equal(buf[4] & 0xf0, 0);
	buf[4] |= 0xf0;
	repair(buf, len, &ip, true);
	assert_int_equal(vrrp_packet_decode(buf, len, &ip, &got, NULL), VRRP_OK);
	assert_int_equal(got.interval_ms, 1230);
}

static void what_trails_is_ignored_but_summed(void **state)
{
	static const size_t trails[] = {1, 2, 3, 7, 40};

	for (size_t k = 0; k < KIND_COUNT; k++)
		for (size_t i = 0; i < sizeof(trails) / sizeof(trails[0]); i++) {
			struct vrrp_ip ip = ip_multicast(KINDS[k].family);
			struct vrrp_advert want = advert_of(KINDS[k].version, KINDS[k].family, 2), got;
			uint8_t buf[MAX];
			size_t len = packet_of(KINDS[k].version, KINDS[k].family, buf) + trails[i];

			memset(buf + len - trails[i], 0x5a, trails[i]);
			repair(buf, len, &ip, KINDS[k].version == 3 && KINDS[k].form != VRRP_FORM_RFC9568);
			assert_int_equal(decode(buf, len, &ip), VRRP_OK);
			assert_int_equal(vrrp_packet_decode(buf, len, &ip, &got, NULL), VRRP_OK);
			assert_same(&got, &want);
			buf[len - 1] ^= 0x10;
			assert_int_equal(decode(buf, len, &ip), VRRP_DISCARD_CHECKSUM);
		}
}

/* From 10.0.21.113 to the group the pseudo-header of twelve bytes sums up to 0xffff, which changes nothing. */
static void both_checksum_forms_fit(void **state)
{
	struct vrrp_ip ip = ip_of("10.0.21.113", "224.0.0.18");
	struct vrrp_advert advert = advert_of(3, AF_INET, 1), got;
	enum vrrp_checksum_form form = VRRP_FORM_ONLY;
	uint8_t legacy[MAX], rfc9568[MAX];

	assert_int_equal(vrrp_packet_encode(&advert, &ip, VRRP_FORM_LEGACY, legacy, sizeof(legacy)), 12);
	assert_int_equal(vrrp_packet_encode(&advert, &ip, VRRP_FORM_RFC9568, rfc9568, sizeof(rfc9568)), 12);
	assert_memory_equal(legacy, rfc9568, 12);
	assert_int_equal(vrrp_packet_decode(legacy, 12, &ip, &got, &form), VRRP_OK);
	assert_int_equal(form, VRRP_FORM_LEGACY);
}

static void what_cannot_be_sent(void **state)
{
	static const uint32_t not_v2[] = {0, 10, 999, 1500, 256000, UINT32_MAX};
	static const uint32_t not_v3[] = {0, 1, 9, 11, 1005, 40951, 40960, UINT32_MAX};
	struct vrrp_ip ipv4 = ip_multicast(AF_INET), ipv6 = ip_multicast(AF_INET6), mixed = ipv6;
	struct vrrp_advert v2 = advert_of(2, AF_INET, 1), v3 = advert_of(3, AF_INET, 1),
			   six = advert_of(3, AF_INET6, 1);
	struct vrrp_advert bad;
	uint8_t buf[MAX];

	mixed.destination = ipv4.destination;
#define REFUSED(what, ip) \
	assert_int_equal(vrrp_packet_encode(what, ip, VRRP_FORM_LEGACY, buf, sizeof(buf)), -EINVAL)
	for (size_t i = 0; i < sizeof(not_v2) / sizeof(not_v2[0]); i++) {
		bad = v2;
		bad.interval_ms = not_v2[i];
		REFUSED(&bad, &ipv4);
	}
	for (size_t i = 0; i < sizeof(not_v3) / sizeof(not_v3[0]); i++) {
		bad = v3;
		bad.interval_ms = not_v3[i];
		REFUSED(&bad, &ipv4);
	}
	bad = v3, bad.vrid = 0;
	REFUSED(&bad, &ipv4);
	bad = v3, bad.count = 0;
	REFUSED(&bad, &ipv4);
	bad = v3, bad.version = 1;
	REFUSED(&bad, &ipv4);
	bad = v3, bad.version = 4;
	REFUSED(&bad, &ipv4);
	bad = six, bad.version = 2, bad.interval_ms = 1000;
	REFUSED(&bad, &ipv6);
	bad = v3, bad.family = AF_UNSPEC;
	REFUSED(&bad, &ipv4);
	REFUSED(&six, &ipv4);
	REFUSED(&v3, &ipv6);
	REFUSED(&six, &mixed);
	REFUSED(&v3, &mixed);
	bad = six, bad.addresses = (const uint8_t[16]){0xfd, 0};
	REFUSED(&bad, &ipv6);
#undef REFUSED
}

static void golden_bytes(void **state)
{
	for (size_t i = 0; i < sizeof(GOLDEN) / sizeof(GOLDEN[0]); i++) {
		const struct golden *g = &GOLDEN[i];
		struct vrrp_ip ip = ip_of(g->source, g->destination);
		enum vrrp_checksum_form form = 99;
		struct vrrp_advert got = {0};
		uint8_t buf[48];

		print_message("# %s\n", g->name);
		assert_int_equal(vrrp_packet_decode(g->bytes, g->len, &ip, &got, &form), g->verdict);
		assert_int_equal(form, g->form);
		assert_int_equal(got.version, g->version);
		assert_int_equal(got.vrid, g->vrid);
		assert_int_equal(got.priority, g->priority);
		assert_int_equal(got.count, g->count);
		assert_int_equal(got.interval_ms, g->interval_ms);
		if (g->verdict != VRRP_OK)
			continue;
		assert_int_equal(vrrp_packet_encode(&got, &ip, form, buf, sizeof(buf)), g->len);
		assert_memory_equal(buf, g->bytes, g->len);
	}
}

static void groups_and_virtual_macs(void **state)
{
	struct net_addr ipv4 = vrrp_packet_group(AF_INET), ipv6 = vrrp_packet_group(AF_INET6);
	struct vrrp_ip want4 = ip_multicast(AF_INET), want6 = ip_multicast(AF_INET6);
	uint8_t mac[6];

	assert_true(addr_equal(&ipv4, &want4.destination));
	assert_true(addr_equal(&ipv6, &want6.destination));
	vrrp_packet_virtual_mac(AF_INET, 51, mac);
	assert_memory_equal(mac, ((uint8_t[]){0, 0, 0x5e, 0, 1, 51}), 6);
	vrrp_packet_virtual_mac(AF_INET6, 255, mac);
	assert_memory_equal(mac, ((uint8_t[]){0, 0, 0x5e, 0, 2, 255}), 6);
}

static void every_reason_has_its_name(void **state)
{
	for (int a = VRRP_OK + 1; a < VRRP_DISCARD_REASONS; a++) {
		assert_string_not_equal(vrrp_discard_name(a), "unknown");
		for (int b = VRRP_OK + 1; b < a; b++)
			assert_string_not_equal(vrrp_discard_name(a), vrrp_discard_name(b));
	}
	assert_string_equal(vrrp_discard_name(VRRP_OK), "unknown");
	assert_string_equal(vrrp_discard_name(VRRP_DISCARD_REASONS), "unknown");
	assert_string_equal(vrrp_discard_name((enum vrrp_discard) - 1), "unknown");
	assert_string_equal(vrrp_discard_name(VRRP_DISCARD_LINK_LOCAL), "link_local");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(every_bit_turned),
		cmocka_unit_test(discard_ttl),
		cmocka_unit_test(discard_length),
		cmocka_unit_test(discard_version),
		cmocka_unit_test(discard_type),
		cmocka_unit_test(discard_checksum),
		cmocka_unit_test(discard_checksum_of_another_destination),
		cmocka_unit_test(discard_count),
		cmocka_unit_test(discard_interval),
		cmocka_unit_test(discard_link_local),
		cmocka_unit_test(discard_auth),
		cmocka_unit_test(discard_vrid_0),
		cmocka_unit_test(reserved_bits_are_ignored),
		cmocka_unit_test(what_trails_is_ignored_but_summed),
		cmocka_unit_test(both_checksum_forms_fit),
		cmocka_unit_test(what_cannot_be_sent),
		cmocka_unit_test(golden_bytes),
		cmocka_unit_test(groups_and_virtual_macs),
		cmocka_unit_test(every_reason_has_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
