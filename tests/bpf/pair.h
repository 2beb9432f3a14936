/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other half of a pair, for the tests of the dataplane: records as tandem-lb puts them in for the peer, an ear at the
 * ring of changes, and leases as tandem-vrrp stamps them.
 */
#ifndef TANDEM_TESTS_BPF_PAIR_H
#define TANDEM_TESTS_BPF_PAIR_H

#include "fixture.h"

/* ---- records of the peer ---- */

/* Fill the record in that place, of a connection to the fixture's service, used just now. It may be changed after. */
struct lb_install *pair_record(struct fixture *x, uint32_t at, enum lb_install_op op, uint32_t service,
	const struct endpoint *client, uint32_t backend, enum lb_flow_state state);
/* Carry out the first count records. */
void pair_install(struct fixture *x, uint32_t count);
/* One record; its result. */
enum lb_install_op pair_put(struct fixture *x, uint32_t service, const struct endpoint *client,
	uint32_t backend, enum lb_flow_state state);
enum lb_install_op pair_end(
	struct fixture *x, uint32_t service, const struct endpoint *client, uint32_t backend);

/* Let the flow have been used that many jiffies earlier than it says. */
void pair_flow_ages(struct lb_flow *f, uint32_t jiffies);

/* ---- the ring of changes ---- */

#define PAIR_HEARD 1024

/* Since the last pair_hear(). Of kind FLOW only the head is set. */
struct pair_heard {
	struct lb_change_end at[PAIR_HEARD];
	uint32_t count; /* may be more than PAIR_HEARD */
};

extern struct pair_heard pair_heard;

void pair_listen(struct fixture *x);
/* Read what was told; how many. */
uint32_t pair_hear(struct fixture *x);

/* ---- leases ---- */

#define PAIR_SECOND 1000000000LL

/* CLOCK_MONOTONIC, ns. */
int64_t pair_now(void);
/* ifindex: 0, but of link-local addresses. */
void pair_enter(struct fixture *x, int family, const uint32_t *addr, uint32_t ifindex, uint32_t lease);
/* Fresh for that long from now; negative: it ran out so long ago. */
void pair_stamp(struct fixture *x, uint32_t lease, int64_t ns);

#endif
