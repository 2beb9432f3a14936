/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_conf_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEACON_MS      100 /* the default interval, unless adverts are more frequent than every 200 ms */
#define BEACON_MIN_MS  10
#define BEACONS_MISSED 3 /* the default timeout */

enum isolation { ISOLATION_TAKE, ISOLATION_FENCED };

static const struct conf_choice isolations[] = {{"take", ISOLATION_TAKE}, {"fenced", ISOLATION_FENCED}, {0}};

struct raw_peer {
	const char *key_file;
	uint16_t port;
	uint32_t beacon_interval_ms, beacon_timeout_ms;
	enum isolation on_isolation;
};

static const struct conf_key peer_keys[] = {
	{"key_file", CONF_TEXT, true, CONF_AT(struct raw_peer, key_file)},
	{"port", CONF_INT, false, CONF_AT(struct raw_peer, port), 1, 65534, 3780},
	{"beacon_interval_ms", CONF_INT, false, CONF_AT(struct raw_peer, beacon_interval_ms), 10, 10000, 0},
	{"beacon_timeout_ms", CONF_INT, false, CONF_AT(struct raw_peer, beacon_timeout_ms), 20, 60000, 0},
	{"on_isolation", CONF_CHOICE, false, CONF_AT(struct raw_peer, on_isolation), 0, 0, ISOLATION_TAKE,
		isolations},
	{0},
};

struct raw_witness {
	const config_setting_t *addresses;
	uint32_t interval_ms;
	uint8_t rise, fall;
};

static const struct conf_key witness_keys[] = {
	{"addresses", CONF_TEXTS, true, CONF_AT(struct raw_witness, addresses), 1, VRRP_WITNESSES_MAX},
	{"interval_ms", CONF_INT, false, CONF_AT(struct raw_witness, interval_ms), 10, 60000, 200},
	{"rise", CONF_INT, false, CONF_AT(struct raw_witness, rise), 1, 100, 2},
	{"fall", CONF_INT, false, CONF_AT(struct raw_witness, fall), 2, 100, 3},
	{0},
};

/* Path i is between the i-th address of either. */
static void join_paths(const struct conf *conf, const config_setting_t *group, const struct conf_nodes *nodes,
	struct vrrp_peer_model *out)
{
	/* Which of the two we are may not be known: that was said, and is no reason to say nothing else. */
	const struct conf_node *self = &nodes->node[nodes->self == 1],
			       *other = &nodes->node[nodes->self != 1];

	snprintf(out->node, sizeof(out->node), "%s", other->name);
	if (self->peer_address_count != other->peer_address_count || !self->peer_address_count) {
		conf_error(conf, group, NULL,
			"'peer' needs as many peer_addresses in node '%s' as in node '%s', one for each path between "
			"them; there are %zu and %zu",
			self->name, other->name, self->peer_address_count, other->peer_address_count);
		return;
	}
	for (size_t i = 0; i < self->peer_address_count; i++) {
		out->local[i] = self->peer_addresses[i];
		out->remote[i] = other->peer_addresses[i];
		if (out->local[i].family != out->remote[i].family)
			conf_error(conf, group, NULL,
				"peer_addresses no. %zu of node '%s' and of node '%s' are of two families; a path "
				"needs one",
				i + 1, self->name, other->name);
		else if (addr_equal(&out->local[i], &out->remote[i]))
			conf_error(conf, group, NULL,
				"peer_addresses no. %zu of node '%s' and of node '%s' are the same; give each its own",
				i + 1, self->name, other->name);
	}
	out->path_count = self->peer_address_count;
}

int vrrp_conf_peer(const struct conf *conf, const config_setting_t *group, const struct conf_nodes *nodes,
	struct vrrp_peer_model *out)
{
	struct raw_peer raw;

	memset(out, 0, sizeof(*out));
	if (!group)
		return 0;
	conf_read(conf, group, "peer", peer_keys, &raw);
	out->configured = true;
	out->port = raw.port;
	out->beacon_interval_ms = raw.beacon_interval_ms;
	out->beacon_timeout_ms = raw.beacon_timeout_ms;
	out->fenced = raw.on_isolation == ISOLATION_FENCED;
	if (raw.key_file && raw.key_file[0] != '/')
		conf_error(conf, group, "key_file", "'key_file' is \"%.200s\" in peer; give an absolute path",
			raw.key_file);
	out->key_file = raw.key_file ? strdup(raw.key_file) : NULL;
	if (raw.key_file && !out->key_file)
		return -ENOMEM;
	if (nodes->count != 2)
		conf_error(conf, group, NULL,
			"'peer' is for two 'nodes', there are %zu; list both, or remove it", nodes->count);
	else
		join_paths(conf, group, nodes, out);
	return 0;
}

/* Beacons twice as frequent as the most frequent adverts: so the last beacon of a node that died is silence before the
 * down interval ends, and nobody waits for it. */
static void set_times(const struct conf *conf, const config_setting_t *group, struct vrrp_model *model)
{
	struct vrrp_peer_model *peer = &model->peer;
	uint32_t interval = BEACON_MS;

	for (size_t i = 0; i < model->instance_count; i++)
		if (model->instances[i].interval_ms / 2 < interval)
			interval = model->instances[i].interval_ms / 2;
	if (!peer->beacon_interval_ms)
		peer->beacon_interval_ms = interval < BEACON_MIN_MS ? BEACON_MIN_MS : interval;
	if (!peer->beacon_timeout_ms)
		peer->beacon_timeout_ms = BEACONS_MISSED * peer->beacon_interval_ms;
	if (peer->beacon_timeout_ms < 2 * peer->beacon_interval_ms)
		conf_error(conf, group, "beacon_timeout_ms",
			"'beacon_timeout_ms' is %u in peer; give at least twice 'beacon_interval_ms', %u: one beacon "
			"may be lost",
			peer->beacon_timeout_ms, 2 * peer->beacon_interval_ms);
}

int vrrp_conf_peer_check(const struct conf *conf, const config_setting_t *group, struct vrrp_model *model)
{
	if (!model->peer.configured)
		return 0;
	set_times(conf, group, model);
	if (!model->peer.fenced)
		return 0;
	for (size_t i = 0; i < model->unit_count; i++) {
		const struct vrrp_unit_model *unit = &model->units[i];
		size_t witnesses = 0;

		for (size_t m = 0; m < unit->member_count; m++)
			witnesses += model->instances[unit->members[m]].witness.count;
		if (!witnesses)
			conf_error(conf, group, "on_isolation",
				"'on_isolation' is \"fenced\" in peer, but %s '%s' has no 'witness' to ask when the "
				"peer is silent, and would never take over from a dead node; give it one",
				unit->is_group ? "group" : "instance", unit->name);
	}
	return 0;
}

/* ---- witnesses ---- */

static bool is_shared(const struct vrrp_instance *instance, const struct net_addr *addr)
{
	for (size_t i = 0; i < instance->ipv4_count + instance->ipv6_count; i++)
		if (addr_equal(&instance->addresses[i].addr, addr))
			return true;
	return false;
}

static bool stands_already(const struct vrrp_witness_model *witness, const struct net_addr *addr)
{
	for (size_t i = 0; i < witness->count; i++)
		if (addr_equal(&witness->addresses[i], addr))
			return true;
	return false;
}

void vrrp_conf_witness(const struct conf *conf, const config_setting_t *group, const char *of,
	struct vrrp_instance *instance)
{
	struct vrrp_witness_model *out = &instance->witness;
	char where[CONF_LABEL_MAX + 16];
	struct raw_witness raw;

	memset(out, 0, sizeof(*out));
	snprintf(where, sizeof(where), "witness of %s", of);
	conf_read(conf, group, where, witness_keys, &raw);
	out->interval_ms = raw.interval_ms;
	out->rise = raw.rise;
	out->fall = raw.fall;
	for (size_t i = 0; i < conf_length(raw.addresses); i++) {
		const char *text = conf_element_text(raw.addresses, i);
		struct net_addr *addr = &out->addresses[out->count];

		if (addr_parse(text, addr) || addr_is_unusable(addr))
			conf_error(conf, conf_element(raw.addresses, i), NULL,
				"witness \"%.63s\" of %s; give a unicast IPv4 or IPv6 address on its link",
				text, of);
		else if (is_shared(instance, addr))
			conf_error(conf, conf_element(raw.addresses, i), NULL,
				"witness %s of %s is an address that it shares; give one that always answers, as a gateway's",
				text, of);
		else if (stands_already(out, addr))
			conf_error(conf, conf_element(raw.addresses, i), NULL,
				"witness %s stands twice in %s; remove one", text, of);
		else
			out->count++;
	}
}
