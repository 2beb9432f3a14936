/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node of a pair as far as connection sync goes: a real dataplane that is pinned nowhere, the config in force, the aging,
 * the table and a session; two of them in one process, the wire between them a function call. For tests and measurements.
 */
#ifndef TANDEM_TESTS_TABLE_NODE_H
#define TANDEM_TESTS_TABLE_NODE_H

#include <stdbool.h>
#include <stdint.h>

#include "lb/lb_sync_table.h"
#include "lb/sync_session.h"
#include "packet.h"

enum { SERVICE_WEB, SERVICE_WEB6, SERVICE_DNS, SERVICE_STICKY, SERVICES };

struct table_node {
	struct ev_loop *loop;
	struct lb_bpf bpf;
	struct lb_live live;
	struct lb_age age;
	struct lb_sync_table *table;
	struct sync_session *session;
	uint32_t lost;
};

/* extra: more config text, or ""; with some all things have other numbers than without. Ends the program when something fails. */
void node_open(struct table_node *n, uint32_t flows, const char *extra);
void node_close(struct table_node *n);
/* The control program is started anew over the dataplane that stands. A new session is to follow. */
void node_restart(struct table_node *n);
/* Another config in force. */
void node_apply(struct table_node *n, const char *extra);

/* One packet of the client of that number to the service, or of the service's backend to it. The flow's id, or -1: none. */
long node_say(struct table_node *n, int service, uint32_t client, bool to_client, uint8_t flags, uint32_t seq,
	uint32_t ack);
/* A connection that is established, or a datagram and its answer. -1: refused. */
long node_connect(struct table_node *n, int service, uint32_t client);
long node_find(struct table_node *n, int service, uint32_t client);
struct lb_flow *node_flow(struct table_node *n, int service, uint32_t id);
void node_remove(struct table_node *n, int service, uint32_t id);

/* A flow by its names, for comparing tables. */
struct node_flow {
	uint8_t family, protocol, state, copy;
	uint16_t client_port, service_port, backend_port;
	uint8_t client[16], service[16], backend[16];
};
/* Those that are told, sorted by tuple; owned by the caller. */
struct node_flow *node_flows(struct table_node *n, size_t *count);

/* A walk of the aging, and a sweep of the sticky sources, now. */
void node_walk(struct table_node *n);

/* The pair's clock: ns, only runs in pair_run. */
extern int64_t pair_now;
/* A new session, as after a cut or a restart. */
void pair_meet(struct table_node *n);
/* Let that much time go by. */
void pair_run(struct table_node *n, int64_t ms);
/* Until both hold what the other has, in ms of the pair's clock; -1: after 60 s it did not. */
int64_t pair_settle(struct table_node *n);

#endif
