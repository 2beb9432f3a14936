/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The VRRP message and its checksums; see vrrp_packet.h. The order of the checks is that of RFC 9568 section 7.1:
 * what the message says is believed only after its checksum.
 *
 * Version 3 over IPv4 has two checksums in the field. RFC 5798 section 5.2.8 was read by everybody as "with an
 * IPv4 pseudo-header"; RFC 9568 section 5.2.8 says "message only". Both are accepted here, because a speaker
 * that refuses one of them becomes a second Active beside it.
 */
#include "vrrp/vrrp_packet.h"

#include <errno.h>
#include <string.h>

#include "vrrp/vrrp_checksum.h"

#define TYPE_ADVERTISEMENT 1
#define HEADER_LEN         8

/* Offsets of the header's fields. What stands at 4 and 5 differs: v2 has the authentication type and an interval
 * in seconds, v3 four reserved bits and an interval of twelve bits in centiseconds. */
enum { AT_VERSION_TYPE, AT_VRID, AT_PRIORITY, AT_COUNT, AT_AUTH_TYPE, AT_SECONDS, AT_CHECKSUM };

#define CENTISECONDS_MAX 0xfff
#define SECONDS_MAX      0xff

/* 0 for a family that is none. */
static size_t address_len(uint8_t family)
{
	if (family == AF_INET)
		return 4;
	return family == AF_INET6 ? 16 : 0;
}

static bool version_exists(uint8_t version, uint8_t family)
{
	return family == AF_INET ? version == 2 || version == 3 : family == AF_INET6 && version == 3;
}

static bool is_link_local(const uint8_t address[16])
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

/* The pseudo-headers of IPv4 (RFC 793) and IPv6 (RFC 8200 section 8.1) sum the same numbers. */
static uint64_t sum_pseudo(const struct vrrp_ip *ip, size_t len)
{
	size_t each = address_len(ip->source.family);

	return vrrp_sum(ip->source.bytes, each) + vrrp_sum(ip->destination.bytes, each) + VRRP_PROTOCOL +
	       (len >> 16) + (len & 0xffff);
}

/* Does the checksum fit, and in which form? */
static bool checksum_fits(
	const uint8_t *buf, size_t len, const struct vrrp_ip *ip, enum vrrp_checksum_form *form)
{
	uint64_t message = vrrp_sum(buf, len);

	*form = VRRP_FORM_ONLY;
	if (buf[AT_VERSION_TYPE] >> 4 == 2)
		return vrrp_fold(message) == 0xffff;
	if (ip->source.family == AF_INET6)
		return vrrp_fold(message + sum_pseudo(ip, len)) == 0xffff;
	*form = VRRP_FORM_LEGACY;
	if (vrrp_fold(message + sum_pseudo(ip, len)) == 0xffff)
		return true;
	*form = VRRP_FORM_RFC9568;
	return vrrp_fold(message) == 0xffff;
}

static void read_fields(const uint8_t *buf, uint8_t family, struct vrrp_advert *out)
{
	*out = (struct vrrp_advert){
		.version = buf[AT_VERSION_TYPE] >> 4,
		.vrid = buf[AT_VRID],
		.priority = buf[AT_PRIORITY],
		.count = buf[AT_COUNT],
		.family = family,
		.addresses = buf + HEADER_LEN,
	};
	if (out->version == 2)
		out->interval_ms = (uint32_t)buf[AT_SECONDS] * 1000;
	else
		out->interval_ms = (uint32_t)(vrrp_get16(buf + AT_AUTH_TYPE) & CENTISECONDS_MAX) * 10;
}

static enum vrrp_discard judge_fields(const uint8_t *buf, const struct vrrp_advert *advert)
{
	if (advert->vrid == 0)
		return VRRP_DISCARD_VRID;
	if (advert->version == 2 && buf[AT_AUTH_TYPE] != 0)
		return VRRP_DISCARD_AUTH;
	if (advert->count == 0)
		return VRRP_DISCARD_COUNT;
	if (advert->interval_ms == 0)
		return VRRP_DISCARD_INTERVAL;
	if (advert->family == AF_INET6 && !is_link_local(advert->addresses))
		return VRRP_DISCARD_LINK_LOCAL;
	return VRRP_OK;
}

enum vrrp_discard vrrp_packet_decode(const uint8_t *buf, size_t len, const struct vrrp_ip *ip,
	struct vrrp_advert *out, enum vrrp_checksum_form *form)
{
	uint8_t family = ip->source.family;
	enum vrrp_checksum_form fitting;
	size_t needed = HEADER_LEN;

	if (ip->ttl != VRRP_TTL)
		return VRRP_DISCARD_TTL;
	if (len < needed)
		return VRRP_DISCARD_LENGTH;
	if (!version_exists(buf[AT_VERSION_TYPE] >> 4, family))
		return VRRP_DISCARD_VERSION;
	if ((buf[AT_VERSION_TYPE] & 0xf) != TYPE_ADVERTISEMENT)
		return VRRP_DISCARD_TYPE;
	needed += buf[AT_COUNT] * address_len(family);
	if (buf[AT_VERSION_TYPE] >> 4 == 2)
		needed += VRRP_V2_AUTH_LEN;
	if (len < needed)
		return VRRP_DISCARD_LENGTH;
	if (!checksum_fits(buf, len, ip, &fitting))
		return VRRP_DISCARD_CHECKSUM;
	if (form)
		*form = fitting;
	read_fields(buf, family, out);
	return judge_fields(buf, out);
}

/* The interval in the version's units, 0 when it is none. */
static uint32_t interval_units(const struct vrrp_advert *advert)
{
	uint32_t unit_ms = advert->version == 2 ? 1000 : 10;
	uint32_t most = advert->version == 2 ? SECONDS_MAX : CENTISECONDS_MAX;
	uint32_t units = advert->interval_ms / unit_ms;

	return advert->interval_ms % unit_ms || units > most ? 0 : units;
}

static bool can_be_sent(const struct vrrp_advert *advert, const struct vrrp_ip *ip)
{
	if (!version_exists(advert->version, advert->family) || advert->vrid == 0 || advert->count == 0)
		return false;
	if (ip->source.family != advert->family || ip->destination.family != advert->family)
		return false;
	if (advert->family == AF_INET6 && !is_link_local(advert->addresses))
		return false;
	return interval_units(advert) != 0;
}

int vrrp_packet_encode(const struct vrrp_advert *advert, const struct vrrp_ip *ip,
	enum vrrp_checksum_form form, uint8_t *buf, size_t size)
{
	bool message_only = advert->version == 2 || (advert->family == AF_INET && form == VRRP_FORM_RFC9568);
	size_t addresses, len;

	if (!can_be_sent(advert, ip))
		return -EINVAL;
	addresses = advert->count * address_len(advert->family);
	len = HEADER_LEN + addresses + (advert->version == 2 ? VRRP_V2_AUTH_LEN : 0);
	if (len > size)
		return -ENOSPC;
	memset(buf, 0, len);
	buf[AT_VERSION_TYPE] = (uint8_t)(advert->version << 4 | TYPE_ADVERTISEMENT);
	buf[AT_VRID] = advert->vrid;
	buf[AT_PRIORITY] = advert->priority;
	buf[AT_COUNT] = advert->count;
	/* v2's authentication type and v3's reserved bits are both zero, and both intervals end at one byte. */
	vrrp_put16(buf + AT_AUTH_TYPE, (uint16_t)interval_units(advert));
	memcpy(buf + HEADER_LEN, advert->addresses, addresses);
	vrrp_put16(buf + AT_CHECKSUM,
		(uint16_t)~vrrp_fold(vrrp_sum(buf, len) + (message_only ? 0 : sum_pseudo(ip, len))));
	return (int)len;
}

struct net_addr vrrp_packet_group(uint8_t family)
{
	if (family == AF_INET6)
		return (struct net_addr){.family = AF_INET6, .bytes = {0xff, 0x02, [15] = 0x12}};
	return (struct net_addr){.family = AF_INET, .bytes = {224, 0, 0, 18}};
}

void vrrp_packet_virtual_mac(uint8_t family, uint8_t vrid, uint8_t mac[6])
{
	const uint8_t address[6] = {0x00, 0x00, 0x5e, 0x00, family == AF_INET6 ? 0x02 : 0x01, vrid};

	memcpy(mac, address, sizeof(address));
}

const char *vrrp_discard_name(enum vrrp_discard reason)
{
	static const char *const names[VRRP_DISCARD_REASONS] = {
		[VRRP_DISCARD_TTL] = "ttl",
		[VRRP_DISCARD_LENGTH] = "length",
		[VRRP_DISCARD_VERSION] = "version",
		[VRRP_DISCARD_TYPE] = "type",
		[VRRP_DISCARD_CHECKSUM] = "checksum",
		[VRRP_DISCARD_COUNT] = "count",
		[VRRP_DISCARD_INTERVAL] = "interval",
		[VRRP_DISCARD_LINK_LOCAL] = "link_local",
		[VRRP_DISCARD_AUTH] = "auth",
		[VRRP_DISCARD_VRID] = "vrid",
		[VRRP_DISCARD_OTHER_VERSION] = "other_version",
		[VRRP_DISCARD_DESTINATION] = "destination",
		[VRRP_DISCARD_PEER] = "peer",
		[VRRP_DISCARD_OWN] = "own",
	};

	if ((unsigned)reason >= VRRP_DISCARD_REASONS || !names[reason])
		return "unknown";
	return names[reason];
}
