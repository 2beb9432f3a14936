/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The nodes of a config. See conf_nodes.h and docs/CONFIG.md. */
#include "common/conf_nodes.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/conf_names.h"

struct raw_node {
	char name[CONF_NODE_NAME_MAX + 1];
	uint8_t priority;
	const config_setting_t *peer_addresses;
};

static const struct conf_key node_keys[] = {
	{"name", CONF_NAME, true, CONF_AT(struct raw_node, name)},
	{"priority", CONF_INT, false, CONF_AT(struct raw_node, priority), 1, 255, 100},
	{"peer_addresses", CONF_TEXTS, false, CONF_AT(struct raw_node, peer_addresses), 0,
		CONF_NODE_ADDRESSES_MAX},
	{0},
};

static void read_peer_addresses(
	const struct conf *conf, const config_setting_t *list, const char *where, struct conf_node *out)
{
	for (size_t i = 0; i < conf_length(list); i++) {
		const char *text = conf_element_text(list, i);
		struct net_addr addr;

		if (addr_parse(text, &addr) || addr_is_unusable(&addr)) {
			conf_error(conf, conf_element(list, i), NULL,
				"peer address \"%.63s\" in %s; "
				"give a unicast IPv4 or IPv6 address",
				text, where);
			continue;
		}
		if (addr_stays_here(&addr))
			conf_error(conf, conf_element(list, i), NULL,
				"peer address \"%.63s\" in %s is every machine's own; give one that the other node "
				"reaches",
				text, where);
		out->peer_addresses[out->peer_address_count++] = addr;
	}
}

/* No node of the list is this one: say so, and which there are. */
static void node_missing(
	const struct conf *conf, const struct conf_nodes *nodes, const char *name, const char *from)
{
	char list[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < nodes->count && len < sizeof(list); i++)
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%s%s", i ? ", " : "", nodes->node[i].name);
	conf_error(conf, conf_root(conf), "nodes",
		"no node is named '%.63s'%s; add it to 'nodes', or choose "
		"with -n one of %s",
		name, from, list);
}

static long find_node(const struct conf_nodes *nodes, const char *name)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (*nodes->node[i].name && !strcmp(nodes->node[i].name, name))
			return (long)i;
	return -1;
}

/* Which of the nodes this is: its index, or -1. */
static long choose_node(const struct conf *conf, const struct conf_nodes *nodes, const char *given)
{
	char host[256] = "";
	long self;

	if (!given && gethostname(host, sizeof(host) - 1))
		host[0] = '\0';
	self = find_node(nodes, given ? given : host);
	/* A hostname may be given with its domain, which a node's name need not have. */
	if (self < 0 && !given && strchr(host, '.')) {
		*strchr(host, '.') = '\0';
		self = find_node(nodes, host);
	}
	if (self >= 0)
		return self;
	for (size_t i = 0; i < nodes->count; i++)
		if (!*nodes->node[i].name)
			return -1; /* its name is wrong, which was said: it may be this one */
	node_missing(conf, nodes, given ? given : host, given ? "" : " (the hostname)");
	return -1;
}

void conf_nodes_read(
	const struct conf *conf, const config_setting_t *list, const char *given, struct conf_nodes *out)
{
	struct conf_named named[CONF_NODES_MAX];

	memset(out, 0, sizeof(*out));
	out->self = -1;
	out->count = conf_length(list);
	if (!out->count) {
		if (given && !config_setting_get_member(conf_root(conf), "nodes"))
			conf_error(conf, NULL, NULL,
				"node '%.63s' was asked for, but the file has no 'nodes'; "
				"add them or start without -n",
				given);
		return;
	}
	for (size_t i = 0; i < out->count; i++) {
		const config_setting_t *group = conf_element(list, i);
		struct conf_node *node = &out->node[i];
		char where[CONF_LABEL_MAX];
		struct raw_node raw;

		conf_label(group, "node", i, where);
		conf_read(conf, group, where, node_keys, &raw);
		memcpy(node->name, raw.name, sizeof(node->name));
		node->priority = raw.priority;
		read_peer_addresses(conf, raw.peer_addresses, where, node);
		named[i] = (struct conf_named){"node", node->name, group, i};
	}
	out->self = choose_node(conf, out, given);
	conf_names_once(conf, named, out->count, "");
}

const struct conf_node *conf_nodes_self(const struct conf_nodes *nodes)
{
	return nodes->self >= 0 ? &nodes->node[nodes->self] : NULL;
}
