/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/conf_peer_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(CONF_PEER_NAME_MAX == CONF_NODE_NAME_MAX, "a node's name fits");
_Static_assert(CONF_PEER_PATHS_MAX == CONF_NODE_ADDRESSES_MAX, "each of its addresses is a path");

enum isolation { ISOLATION_TAKE, ISOLATION_FENCED };

static const struct conf_choice isolations[] = {{"take", ISOLATION_TAKE}, {"fenced", ISOLATION_FENCED}, {0}};

struct raw_peer {
	const char *key_file;
	uint16_t port;
	uint32_t beacon_interval_ms, beacon_timeout_ms;
	enum isolation on_isolation;
	uint32_t sync_cap_s, grace_ms;
};

static const struct conf_key peer_keys[] = {
	{"key_file", CONF_TEXT, true, CONF_AT(struct raw_peer, key_file)},
	{"port", CONF_INT, false, CONF_AT(struct raw_peer, port), 1, 65534, 3780},
	{"beacon_interval_ms", CONF_INT, false, CONF_AT(struct raw_peer, beacon_interval_ms), 10, 10000, 0},
	{"beacon_timeout_ms", CONF_INT, false, CONF_AT(struct raw_peer, beacon_timeout_ms), 20, 60000, 0},
	{"on_isolation", CONF_CHOICE, false, CONF_AT(struct raw_peer, on_isolation), 0, 0, ISOLATION_TAKE,
		isolations},
	{"sync_cap_s", CONF_INT, false, CONF_AT(struct raw_peer, sync_cap_s), 0, 3600, 60},
	{"grace_ms", CONF_INT, false, CONF_AT(struct raw_peer, grace_ms), 0, 60000, 3000},
	{0},
};

/* Two paths by one address of a node: it could listen by one of them only. */
static void check_twice(const struct conf *conf, const config_setting_t *group, const struct conf_node *node)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 1; i < node->peer_address_count; i++)
		for (size_t j = 0; j < i; j++)
			if (addr_equal(&node->peer_addresses[i], &node->peer_addresses[j]))
				conf_error(conf, group, NULL,
					"peer_addresses no. %zu and no. %zu of node '%s' are both %s; give each path "
					"an address of its own",
					j + 1, i + 1, node->name,
					addr_format(&node->peer_addresses[i], text));
}

/* Path i is between the i-th address of either. */
static void join_paths(const struct conf *conf, const config_setting_t *group, const struct conf_nodes *nodes,
	struct conf_peer *out)
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
	check_twice(conf, group, self);
	check_twice(conf, group, other);
}

int conf_peer_read(const struct conf *conf, const config_setting_t *group, const struct conf_nodes *nodes,
	struct conf_peer *out)
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
	out->sync_cap_s = raw.sync_cap_s;
	out->grace_ms = raw.grace_ms;
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
