/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The decoder of adverts. Input: one byte of what the IP header said, then the IP payload.
 *
 *   bit 0     IPv6, else IPv4
 *   bit 1     unicast, else to the group
 *   bit 2     TTL 254, else 255
 *   bit 3     the checksum is repaired first, so that what stands behind it is reached
 *   bit 4     ... in the form of RFC 9568 (message only), else with a pseudo-header where the version has one
 *   bit 5, 6  nothing
 *   bit 7     from the address for which both forms of a short advert fit
 *
 * Whatever is accepted must be written back to something that says the same, and is as long but for what trailed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vrrp/vrrp_checksum.h"
#include "vrrp/vrrp_packet.h"

#define INPUT_MAX 8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vrrp_ip ip_of(uint8_t head)
{
	struct vrrp_ip ip = {.ttl = head & 4 ? 254 : 255};
	uint8_t family = head & 1 ? AF_INET6 : AF_INET;

	ip.source.family = family;
	if (family == AF_INET6)
		memcpy(ip.source.bytes, (uint8_t[16]){0xfe, 0x80, [15] = 2}, 16);
	else
		memcpy(ip.source.bytes,
			head & 0x80 ? (uint8_t[4]){10, 0, 21, 113} : (uint8_t[4]){10, 0, 0, 2}, 4);
	ip.destination = vrrp_packet_group(family);
	if (head & 2) {
		ip.destination = ip.source;
		ip.destination.bytes[family == AF_INET6 ? 15 : 3] = 3;
	}
	return ip;
}

static void repair(uint8_t *packet, size_t len, const struct vrrp_ip *ip, bool message_only)
{
	uint64_t sum;

	memset(packet + 6, 0, 2);
	sum = vrrp_sum(packet, len);
	if (packet[0] >> 4 != 2 && !message_only)
		sum += vrrp_sum(ip->source.bytes, 16) + vrrp_sum(ip->destination.bytes, 16) + VRRP_PROTOCOL +
		       len;
	vrrp_put16(packet + 6, (uint16_t)~vrrp_fold(sum));
}

static void must(bool held)
{
	if (!held)
		abort();
}

static void back_and_there(const uint8_t *packet, size_t len, const struct vrrp_ip *ip,
	const struct vrrp_advert *advert, enum vrrp_checksum_form form)
{
	static uint8_t out[VRRP_ADVERT_MAX];
	size_t addresses = advert->count * (advert->family == AF_INET6 ? 16u : 4u);
	int written = vrrp_packet_encode(advert, ip, form, out, sizeof(out));
	enum vrrp_checksum_form again_form;
	struct vrrp_advert again;

	must(advert->addresses == packet + 8 && addresses && 8 + addresses <= len);
	must(advert->interval_ms && advert->interval_ms <= 255000 && advert->vrid);
	must(written > 0 && (size_t)written <= len);
	must(vrrp_packet_decode(out, (size_t)written, ip, &again, &again_form) == VRRP_OK);
	must(again.version == advert->version && again.vrid == advert->vrid && again.count == advert->count);
	must(again.priority == advert->priority && again.interval_ms == advert->interval_ms);
	must(again.family == advert->family && !memcmp(again.addresses, advert->addresses, addresses));
	must(again_form == form || again_form == VRRP_FORM_LEGACY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum vrrp_checksum_form form = VRRP_FORM_ONLY;
	enum vrrp_discard verdict;
	struct vrrp_advert advert;
	struct vrrp_ip ip;
	uint8_t *packet;
	size_t len;

	if (size < 1 || size > INPUT_MAX)
		return 0;
	ip = ip_of(data[0]);
	len = size - 1;
	packet = malloc(len ? len : 1); /* its very size, so that the sanitizer sees one byte too many */
	if (!packet)
		return 0;
	memcpy(packet, data + 1, len);
	if (data[0] & 8 && len >= 8)
		repair(packet, len, &ip, data[0] & 16);
	verdict = vrrp_packet_decode(packet, len, &ip, &advert, &form);
	must(verdict < VRRP_DISCARD_REASONS);
	if (verdict == VRRP_OK)
		back_and_there(packet, len, &ip, &advert, form);
	free(packet);
	return 0;
}
