/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_conf_peer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEACON_MS      100 /* the default interval, unless adverts are more frequent than every 200 ms */
#define BEACON_MIN_MS  10
#define BEACONS_MISSED 3 /* the default timeout */

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

/* Beacons twice as frequent as the most frequent adverts: so the last beacon of a node that died is silence before the
 * down interval ends, and nobody waits for it. */
static void set_times(const struct conf *conf, const config_setting_t *group, struct vrrp_model *model)
{
	struct conf_peer *peer = &model->peer;
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

static bool is_shared(const struct vrrp_instance *instance, const struct net_addr *addr)
{
	for (size_t i = 0; i < instance->ipv4_count + instance->ipv6_count; i++)
		if (addr_equal(&instance->addresses[i].addr, addr))
			return true;
	return false;
}

/* Beacons to an address that is on the node that speaks would come to itself. */
static void check_moves(const struct conf *conf, const config_setting_t *group,
	const struct vrrp_model *model, const struct net_addr *addr)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < model->instance_count; i++)
		if (is_shared(&model->instances[i], addr))
			conf_error(conf, group, NULL,
				"peer address %s is one that instance '%s' moves from node to node; give one that "
				"stays with its node",
				addr_format(addr, text), model->instances[i].name);
}

int vrrp_conf_peer_check(const struct conf *conf, const config_setting_t *group, struct vrrp_model *model)
{
	if (!model->peer.configured)
		return 0;
	set_times(conf, group, model);
	for (size_t i = 0; i < model->peer.path_count; i++) {
		check_moves(conf, group, model, &model->peer.local[i]);
		check_moves(conf, group, model, &model->peer.remote[i]);
	}
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
