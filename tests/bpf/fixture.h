/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dataplane to test: fresh maps in a network namespace of the test's own, where one veth with a permanent
 * neighbour is the way to everywhere, and services, pools and backends set as the control plane sets them.
 * Packets go through BPF_PROG_TEST_RUN; what comes out is bytes and a verdict.
 */
#ifndef TANDEM_TESTS_BPF_FIXTURE_H
#define TANDEM_TESTS_BPF_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "lb/lb_bpf.h"
#include "packet.h"

#define VERDICT_PASS     (-1) /* TC_ACT_UNSPEC */
#define VERDICT_DROP     2    /* TC_ACT_SHOT */
#define VERDICT_REDIRECT 7    /* TC_ACT_REDIRECT */

#define FIXTURE_SERVICES 300
#define FIXTURE_BACKENDS 300

/* The way out: link 0 and the neighbour behind it. */
extern const uint8_t fixture_link_mac[6], fixture_gateway_mac[6];
extern int fixture_link_ifindex, fixture_peer_ifindex; /* the veth, and its other end */

struct fixture_service {
	int family;
	uint8_t protocol;
	struct endpoint at;
	uint32_t pool;
};

struct fixture {
	struct lb_bpf b;
	struct fixture_service services[FIXTURE_SERVICES];
	uint32_t service_count, pool_count, backend_count, slot_count;
	bool attached;
	uint32_t gso_size, ingress; /* given to the program with the next packets; 0 = none, loopback */
};

/*
 * Once a program: a namespace of its own. Prints why and returns false where bpf() is not permitted: then the
 * program ends with fixture_skip().
 */
bool fixture_enter(const char *program);
int fixture_skip(void); /* the TAP line; returns the exit status */

/* A random seed, or TANDEM_SEED; printed, so that a failure can be replayed. */
uint64_t fixture_seed(void);
/* xorshift64*; the state must not be 0. */
uint64_t fixture_random(uint64_t *state);
uint32_t fixture_below(uint64_t *state, uint32_t limit);

void fixture_open(struct fixture *x, uint32_t flows, uint32_t half_open);
/* The way out is a way in too, for packets from the veth's other end. */
void fixture_attach(struct fixture *x);
/* For a teardown: does nothing the second time. */
void fixture_close(struct fixture *x);

/* Each returns the new one's index. */
uint32_t fixture_pool(struct fixture *x, enum lb_pick pick);
uint32_t fixture_backend(
	struct fixture *x, uint32_t pool, int family, const struct endpoint *at, uint32_t weight);
uint32_t fixture_service(
	struct fixture *x, int family, uint8_t protocol, const struct endpoint *at, uint32_t pool);
/* A new table for the pool with these backends, in this order. */
void fixture_table(struct fixture *x, uint32_t pool, const uint16_t *backends, uint32_t count);

/* Run the frame; *out is what the program left of it. Returns the verdict. */
int fixture_run(struct fixture *x, const struct frame *in, struct frame *out);
int fixture_run_repeat(
	struct fixture *x, const struct frame *in, struct frame *out, int repeat, uint32_t *ns);

uint64_t fixture_counter(struct fixture *x, enum lb_counter which);

/* The flow with that client (and service, unless NULL), by reading the whole array; NULL: none. */
struct lb_flow *fixture_flow(struct fixture *x, int family, uint8_t protocol, const struct endpoint *client,
	const struct endpoint *service);
struct lb_flow *fixture_flow_at(struct fixture *x, int family, uint32_t id);
uint32_t fixture_flow_id(struct fixture *x, int family, const struct lb_flow *f);
uint32_t fixture_flow_count(struct fixture *x, int family);
/* Entries in the index of the family. */
uint32_t fixture_index_count(struct fixture *x, int family);
/* Live flows of the backend by the flow arrays, to be compared with its active count. */
uint32_t fixture_live_count(struct fixture *x, uint32_t backend);

/* One control command on the flow; true: carried out. */
bool fixture_control(struct fixture *x, enum lb_control_op op, int family, const struct lb_flow *f);
void fixture_remove_all(struct fixture *x);

/* Let every remembered source be that much older. */
void fixture_sticky_age(struct fixture *x, uint32_t jiffies);
uint32_t fixture_sticky_count(struct fixture *x, bool confirmed);

/* A client's SYN or first datagram: the backend's index it was given, or -1. */
int fixture_connect(struct fixture *x, uint32_t service, const struct endpoint *client);
/* The rest of the handshake, or a reply. */
void fixture_establish(struct fixture *x, uint32_t service, const struct endpoint *client);
/* One packet of the flow in a direction; the verdict. out may be NULL. */
int fixture_say(struct fixture *x, uint32_t service, const struct endpoint *client,
	enum lb_direction direction, uint8_t flags, uint32_t seq, uint32_t ack, struct frame *out);
struct lb_flow *fixture_flow_of(struct fixture *x, uint32_t service, const struct endpoint *client);

/* 10.NET.0.HOST or fd00:NET::HOST. */
struct endpoint fixture_endpoint(int family, uint8_t net, uint8_t host, uint16_t port);

/* A client's packet to a service and a backend's to a client, with a payload when it is not a bare SYN or
 * FIN. */
struct packet_spec fixture_packet(
	int family, uint8_t protocol, const struct endpoint *from, const struct endpoint *to, uint8_t flags);

#endif
