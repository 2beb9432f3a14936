/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The config's `nodes`: the machines that share the file, and which of them this one is. Asks for the hostname, and for
 * nothing else outside the file.
 */
#ifndef TANDEM_COMMON_CONF_NODES_H
#define TANDEM_COMMON_CONF_NODES_H

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/conf.h"

#define CONF_NODES_MAX          16
#define CONF_NODE_NAME_MAX      63 /* characters */
#define CONF_NODE_ADDRESSES_MAX 8

struct conf_node {
	char name[CONF_NODE_NAME_MAX + 1];
	uint8_t priority; /* 1..255, default 100 */
	struct net_addr
		peer_addresses[CONF_NODE_ADDRESSES_MAX]; /* where the others reach it, in the file's order */
	size_t peer_address_count;
};

struct conf_nodes {
	struct conf_node node[CONF_NODES_MAX]; /* in the file's order */
	size_t count;                          /* 0: a single node, without a name */
	long self; /* index of this node; -1 when there are no nodes, or on an error */
};

/* The row of the file's table: "nodes" goes to a `const config_setting_t *` in field. */
#define CONF_NODES_KEY(type, field)                                                  \
	{                                                                            \
		"nodes", CONF_GROUPS, false, CONF_AT(type, field), 1, CONF_NODES_MAX \
	}

/*
 * Read the list (NULL: none, or a wrong one that was said) into *out, which is overwritten. given is the name that was
 * asked for with -n, or NULL for the hostname, in full or up to the first dot. Mistakes are added to conf's errors.
 */
void conf_nodes_read(
	const struct conf *conf, const config_setting_t *list, const char *given, struct conf_nodes *out);

/* This node; NULL when there are no nodes. */
const struct conf_node *conf_nodes_self(const struct conf_nodes *nodes);

#endif
