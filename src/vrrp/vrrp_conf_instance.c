/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of an instance's keys, its addresses and peers. See vrrp_conf_instance.h and docs/CONFIG.md. */
#include "vrrp/vrrp_conf_instance.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vrrp/vrrp_conf_peer.h"
#include "vrrp/vrrp_conf_track.h"

/* Adverts are not fragmented, so they fit the smallest link that IPv6 runs on (RFC 8200 section 5), with headers of 40
 * and 8 bytes: 77 addresses. What Ethernet carries holds more IPv4 addresses than the packet can count. */
#define IPV6_MTU        1280
#define IPV6_IN_ADVERT  ((IPV6_MTU - 40 - 8) / 16)
#define ADDRESSES_GIVEN (VRRP_ADDRESSES_MAX + IPV6_IN_ADVERT)

_Static_assert(20 + 8 + 4 * VRRP_ADDRESSES_MAX + 8 <= 1500, "an IPv4 advert fits Ethernet");

static const struct conf_choice checksums[] = {
	{"legacy", VRRP_CHECKSUM_LEGACY},
	{"rfc9568", VRRP_CHECKSUM_RFC9568},
	{0},
};

struct raw_announce {
	uint8_t count;
	uint32_t interval_ms, refresh_s;
};

static const struct conf_key announce_keys[] = {
	{"count", CONF_INT, false, CONF_AT(struct raw_announce, count), 1, 60, 5},
	{"interval_ms", CONF_INT, false, CONF_AT(struct raw_announce, interval_ms), 10, 60000, 500},
	{"refresh_s", CONF_INT, false, CONF_AT(struct raw_announce, refresh_s), 0, 86400, 60},
	{0},
};

struct raw_instance {
	struct vrrp_instance instance;
	const config_setting_t *addresses, *peers, *announce, *track, *witness;
	const char *source_ipv4, *source_ipv6;
};

/* advert_interval_ms has another range in version 2: read_keys() */
static const struct conf_key instance_keys[] = {
	{"name", CONF_NAME, true, CONF_AT(struct raw_instance, instance.name)},
	{"interface", CONF_INTERFACE, true, CONF_AT(struct raw_instance, instance.interface)},
	{"vrid", CONF_INT, true, CONF_AT(struct raw_instance, instance.vrid), 1, 255},
	{"version", CONF_INT, false, CONF_AT(struct raw_instance, instance.version), 2, 3, 3},
	{"priority", CONF_INT, false, CONF_AT(struct raw_instance, instance.priority), 1, 255, 0},
	{"advert_interval_ms", CONF_INT, false, CONF_AT(struct raw_instance, instance.interval_ms), 10, 40950,
		1000},
	{"addresses", CONF_TEXTS, true, CONF_AT(struct raw_instance, addresses), 1, ADDRESSES_GIVEN},
	{"preempt", CONF_BOOL, false, CONF_AT(struct raw_instance, instance.preempt), 0, 0, true},
	{"preempt_delay_ms", CONF_INT, false, CONF_AT(struct raw_instance, instance.preempt_delay_ms), 0,
		3600000, 0},
	{"accept", CONF_BOOL, false, CONF_AT(struct raw_instance, instance.accept), 0, 0, true},
	{"virtual_mac", CONF_BOOL, false, CONF_AT(struct raw_instance, instance.virtual_mac), 0, 0, false},
	{"checksum", CONF_CHOICE, false, CONF_AT(struct raw_instance, instance.checksum), 0, 0,
		VRRP_CHECKSUM_LEGACY, checksums},
	{"peers", CONF_TEXTS, false, CONF_AT(struct raw_instance, peers), 0, VRRP_PEERS_MAX},
	{"source_ipv4", CONF_TEXT, false, CONF_AT(struct raw_instance, source_ipv4)},
	{"source_ipv6", CONF_TEXT, false, CONF_AT(struct raw_instance, source_ipv6)},
	{"announce", CONF_GROUP, false, CONF_AT(struct raw_instance, announce)},
	{"track", CONF_GROUPS, false, CONF_AT(struct raw_instance, track), 0, VRRP_TRACKS_MAX},
	{"witness", CONF_GROUP, false, CONF_AT(struct raw_instance, witness)},
	{0},
};
#define INSTANCE_KEYS (sizeof(instance_keys) / sizeof(instance_keys[0]))

static int read_keys(
	const struct conf *conf, const config_setting_t *group, const char *where, struct raw_instance *raw)
{
	struct conf_key keys[INSTANCE_KEYS];
	int version = 3;

	memcpy(keys, instance_keys, sizeof(keys));
	config_setting_lookup_int(group, "version", &version);
	for (struct conf_key *key = keys; version == 2 && key->name; key++)
		if (!strcmp(key->name, "advert_interval_ms")) {
			key->min = 1000;
			key->max = 255000;
		}
	return conf_read(conf, group, where, keys, raw);
}

/* ---- addresses ---- */

static bool is_link_local(const struct net_addr *addr)
{
	return addr->family == AF_INET6 && addr->bytes[0] == 0xfe && (addr->bytes[1] & 0xc0) == 0x80;
}

/* A unicast address, link-local IPv6 included: the speaker always knows the interface. */
static bool is_unicast(const struct net_addr *addr)
{
	return (!addr_is_unusable(addr) || is_link_local(addr)) && !addr_stays_here(addr);
}

enum address_fault {
	ADDRESS_OK,
	ADDRESS_NONE,      /* no address at all */
	ADDRESS_NO_PREFIX, /* an address without a prefix length */
	ADDRESS_PREFIX,    /* a prefix length that the family has not */
	ADDRESS_UNUSABLE,  /* wildcard, multicast ... */
	ADDRESS_NETWORK,   /* all host bits are 0 */
	ADDRESS_BROADCAST, /* all host bits are 1 */
};

/* Are all bits after the prefix the same as `bit`? */
static bool host_bits_are(const struct vrrp_address *address, unsigned bits, bool bit)
{
	for (unsigned i = address->prefix; i < bits; i++)
		if (((address->addr.bytes[i / 8] >> (7 - i % 8)) & 1) != bit)
			return false;
	return true;
}

/* addr is filled unless there is none. */
static enum address_fault parse_address(const char *text, struct vrrp_address *out)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char literal[ADDR_TEXT_MAX];
	unsigned bits, prefix = 0;

	if (len >= sizeof(literal))
		return ADDRESS_NONE;
	memcpy(literal, text, len);
	literal[len] = '\0';
	if (addr_parse(literal, &out->addr))
		return ADDRESS_NONE;
	if (!slash)
		return ADDRESS_NO_PREFIX;
	bits = out->addr.family == AF_INET ? 32 : 128;
	for (const char *c = slash + 1; *c; c++) {
		if (!isdigit((unsigned char)*c) || (c == slash + 1 && *c == '0') || prefix > bits)
			return ADDRESS_PREFIX;
		prefix = prefix * 10 + (unsigned)(*c - '0');
	}
	if (prefix < 1 || prefix > bits)
		return ADDRESS_PREFIX;
	out->prefix = (uint8_t)prefix;
	if (!is_unicast(&out->addr))
		return ADDRESS_UNUSABLE;
	if (prefix >= bits - 1)
		return ADDRESS_OK;
	if (host_bits_are(out, bits, false))
		return ADDRESS_NETWORK;
	if (bits == 32 && host_bits_are(out, bits, true))
		return ADDRESS_BROADCAST;
	return ADDRESS_OK;
}

int vrrp_conf_address(const char *text, struct vrrp_address *out)
{
	return parse_address(text, out) == ADDRESS_OK ? 0 : -EINVAL;
}

static void refuse_address(const struct conf *conf, const config_setting_t *element, const char *where,
	enum address_fault fault, const struct vrrp_address *address)
{
	bool ipv4 = address->addr.family == AF_INET;
	const char *text = config_setting_get_string(element);

	switch (fault) {
	case ADDRESS_OK:
		break;
	case ADDRESS_NONE:
		conf_error(conf, element, NULL,
			"address \"%.63s\" in %s; give an IPv4 or IPv6 address with its prefix length, "
			"as \"10.0.1.100/24\" or \"fd00:1::100/64\"",
			text, where);
		break;
	case ADDRESS_NO_PREFIX:
		conf_error(conf, element, NULL,
			"address \"%.63s\" in %s has no prefix length; \"%.63s/%d\" would do", text, where,
			text, ipv4 ? 24 : 64);
		break;
	case ADDRESS_PREFIX:
		conf_error(conf, element, NULL, "address \"%.63s\" in %s; give a prefix length of 1..%d",
			text, where, ipv4 ? 32 : 128);
		break;
	case ADDRESS_UNUSABLE:
		conf_error(conf, element, NULL,
			"address \"%.63s\" in %s, which no host can have; give a unicast address", text,
			where);
		break;
	case ADDRESS_NETWORK:
	case ADDRESS_BROADCAST:
		conf_error(conf, element, NULL,
			"address \"%.63s\" in %s is the %s; give a host's, or a prefix length that fits",
			text, where,
			fault == ADDRESS_NETWORK ? "network's own" : "network's broadcast address");
	}
}

/* How many IPv6 addresses the advert has: a link-local one comes first, which the speaker adds when there is none. */
static size_t ipv6_in_advert(const struct vrrp_instance *instance)
{
	const struct vrrp_address *ipv6 = instance->addresses + instance->ipv4_count;

	for (size_t i = 0; i < instance->ipv6_count; i++)
		if (is_link_local(&ipv6[i].addr))
			return instance->ipv6_count;
	return instance->ipv6_count + 1;
}

static void check_counts(const struct conf *conf, const config_setting_t *group, const char *where,
	const struct vrrp_instance *instance)
{
	if (instance->ipv4_count > VRRP_ADDRESSES_MAX)
		conf_error(conf, group, "addresses",
			"%zu IPv4 addresses in %s, of which an advert counts %d; "
			"make two instances and a group of them",
			instance->ipv4_count, where, VRRP_ADDRESSES_MAX);
	if (instance->ipv6_count && ipv6_in_advert(instance) > IPV6_IN_ADVERT)
		conf_error(conf, group, "addresses",
			"%zu IPv6 addresses in %s, the link-local one included; an advert of %d bytes has "
			"room for %d; make two instances and a group of them",
			ipv6_in_advert(instance), where, IPV6_MTU, IPV6_IN_ADVERT);
}

/* False in *whole when one was wrong, so that the families are not what the author meant. */
static int read_addresses(const struct conf *conf, const config_setting_t *list, const char *where,
	struct vrrp_instance *out, bool *whole)
{
	size_t count = conf_length(list), ipv6_count = 0;
	struct vrrp_address *ipv6;

	*whole = count > 0;
	if (!count)
		return 0;
	out->addresses = calloc(count, sizeof(*out->addresses));
	ipv6 = calloc(count, sizeof(*ipv6));
	if (!out->addresses || !ipv6) {
		free(ipv6);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		struct vrrp_address address = {0};
		enum address_fault fault = parse_address(conf_element_text(list, i), &address);

		if (fault) {
			refuse_address(conf, conf_element(list, i), where, fault, &address);
			*whole = false;
		} else if (address.addr.family == AF_INET) {
			out->addresses[out->ipv4_count++] = address;
		} else {
			ipv6[ipv6_count++] = address;
		}
	}
	memcpy(out->addresses + out->ipv4_count, ipv6, ipv6_count * sizeof(*ipv6));
	out->ipv6_count = ipv6_count;
	free(ipv6);
	return 0;
}

/* ---- version ---- */

static void check_version(const struct conf *conf, const config_setting_t *group, const char *where,
	bool whole, const struct vrrp_instance *instance)
{
	uint32_t step = instance->version == 2 ? 1000 : 10;

	if (instance->interval_ms % step)
		conf_error(conf, group, "advert_interval_ms",
			"'advert_interval_ms' is %u in %s, but version %u counts in steps of %u; give %u or "
			"%u",
			instance->interval_ms, where, instance->version, step,
			instance->interval_ms / step * step, (instance->interval_ms / step + 1) * step);
	if (instance->version == 2 && instance->ipv6_count)
		conf_error(conf, group, "version",
			"'version' is 2 in %s, which has IPv6 addresses; give 3, or an instance of its own "
			"to the IPv6 addresses",
			where);
	if ((instance->version == 2 || (whole && !instance->ipv4_count)) &&
		config_setting_get_member(group, "checksum"))
		conf_error(conf, group, "checksum",
			"'checksum' in %s is for version 3 over IPv4 only; remove it", where);
}

/* ---- peers and sources ---- */

static const char *family_name(uint8_t family)
{
	return family == AF_INET ? "IPv4" : "IPv6";
}

static bool has_family(const struct vrrp_instance *instance, uint8_t family)
{
	return family == AF_INET ? instance->ipv4_count : instance->ipv6_count;
}

static bool has_address(const struct vrrp_instance *instance, const struct net_addr *addr)
{
	for (size_t i = 0; i < instance->ipv4_count + instance->ipv6_count; i++)
		if (addr_equal(&instance->addresses[i].addr, addr))
			return true;
	return false;
}

/* One peer: a unicast address, given once, of a family that the instance has, and none of its own. */
static bool read_peer(const struct conf *conf, const config_setting_t *element, const char *where, bool whole,
	struct vrrp_instance *out)
{
	const char *text = config_setting_get_string(element);
	struct net_addr addr;

	if (addr_parse(text, &addr) || !is_unicast(&addr)) {
		conf_error(conf, element, NULL, "peer \"%.63s\" in %s; give a unicast IPv4 or IPv6 address",
			text, where);
		return false;
	}
	for (size_t i = 0; i < out->peer_count; i++)
		if (addr_equal(&out->peers[i], &addr)) {
			conf_error(conf, element, NULL, "peer %.63s stands twice in %s; remove one", text,
				where);
			return false;
		}
	if (whole && !has_family(out, addr.family))
		conf_error(conf, element, NULL,
			"peer %.63s in %s, which has no %s addresses; remove it, or add an address of its "
			"family",
			text, where, family_name(addr.family));
	if (has_address(out, &addr))
		conf_error(conf, element, NULL,
			"peer %.63s in %s is an address that it shares; give the peer's own", text, where);
	out->peers[out->peer_count++] = addr;
	return true;
}

static void read_peers(const struct conf *conf, const config_setting_t *list, const char *where, bool whole,
	struct vrrp_instance *out)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	bool has[2] = {false, false};

	for (size_t i = 0; i < conf_length(list); i++)
		whole &= read_peer(conf, conf_element(list, i), where, whole, out);
	for (size_t i = 0; i < out->peer_count; i++)
		has[out->peers[i].family == AF_INET6] = true;
	/* Without a peer nobody hears of that family, and with peers nothing is multicast. */
	for (size_t i = 0; i < 2 && whole && out->peer_count; i++)
		if (!has[i] && has_family(out, families[i]))
			conf_error(conf, list, NULL,
				"no peer in %s is an %s one, but it has %s addresses; "
				"add one, or give these an instance of their own",
				where, family_name(families[i]), family_name(families[i]));
}

/* Where adverts of a family come from. An owner may speak from the address that it owns. */
static void read_source(const struct conf *conf, const config_setting_t *group, const char *where,
	const char *key, const char *text, uint8_t family, bool whole, const struct vrrp_instance *instance,
	struct net_addr *out)
{
	struct net_addr addr;

	if (!text)
		return;
	if (addr_parse(text, &addr) || !is_unicast(&addr) || addr.family != family) {
		conf_error(conf, group, key, "'%s' is \"%.63s\" in %s; give a unicast %s address", key, text,
			where, family_name(family));
		return;
	}
	if (family == AF_INET6 && !instance->peer_count && !is_link_local(&addr))
		conf_error(conf, group, key,
			"'%s' is %.63s in %s; give a link-local address (fe80::...): multicast adverts have "
			"no other",
			key, text, where);
	if (whole && !has_family(instance, family))
		conf_error(conf, group, key, "'%s' in %s, which has no %s addresses; remove it", key, where,
			family_name(family));
	if (instance->priority != VRRP_PRIORITY_OWNER && has_address(instance, &addr))
		conf_error(conf, group, key,
			"'%s' is %.63s in %s, an address that it shares; give the interface's own", key, text,
			where);
	*out = addr;
}

/* ---- the whole ---- */

static void read_announce(const struct conf *conf, const config_setting_t *group, const char *instance,
	struct vrrp_instance *out)
{
	struct raw_announce raw;
	char where[CONF_LABEL_MAX + 16];

	snprintf(where, sizeof(where), "announce of %s", instance);
	conf_read(conf, group, where, announce_keys, &raw);
	out->announce_count = raw.count;
	out->announce_interval_ms = raw.interval_ms;
	out->announce_refresh_s = raw.refresh_s;
}

int vrrp_conf_instance(const struct conf *conf, const config_setting_t *group, size_t i, uint8_t priority,
	struct vrrp_instance *out)
{
	char where[CONF_LABEL_MAX];
	struct raw_instance raw = {0};
	bool whole;
	int err;

	read_keys(conf, group, conf_label(group, "instance", i, where), &raw);
	*out = raw.instance;
	if (!out->priority)
		out->priority = priority;
	read_announce(conf, raw.announce, where, out);
	err = read_addresses(conf, raw.addresses, where, out, &whole);
	if (err)
		return err;
	check_counts(conf, group, where, out);
	check_version(conf, group, where, whole, out);
	read_peers(conf, raw.peers, where, whole, out);
	read_source(
		conf, group, where, "source_ipv4", raw.source_ipv4, AF_INET, whole, out, &out->source_ipv4);
	read_source(
		conf, group, where, "source_ipv6", raw.source_ipv6, AF_INET6, whole, out, &out->source_ipv6);
	vrrp_conf_witness(conf, raw.witness, where, out);
	return vrrp_conf_tracks(conf, raw.track, where, &out->tracks, &out->track_count);
}
