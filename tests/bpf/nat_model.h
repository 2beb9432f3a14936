/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A plain model of inbound NAT: its own flow table (a list), its own parser and full checksum recomputation,
 * written from the RFCs and from what lb_abi.h promises. It says what must come out for what goes in. The one
 * thing it does not decide is which of the eligible backends a new flow gets: it is told, and says whether
 * that was allowed. Not in it: time (no flow ages), held fragments, routes (there is one way out).
 */
#ifndef TANDEM_TESTS_BPF_NAT_MODEL_H
#define TANDEM_TESTS_BPF_NAT_MODEL_H

#include "fixture.h"

#define NAT_MODEL_FLOWS     2048
#define NAT_MODEL_FRAGMENTS 512

enum nat_kind {
	NAT_PASS,    /* verdict PASS, byte-identical */
	NAT_FORWARD, /* verdict REDIRECT, nat_expect.out */
	NAT_ANSWER,  /* the same, but it goes back to the sender */
	NAT_DROP,    /* verdict DROP */
	NAT_NEW,     /* a new flow: ask nat_model_new() */
};

struct nat_flow {
	bool used;
	int family;
	uint8_t protocol, state;
	struct endpoint client, service, backend;
	uint32_t service_at, backend_at, epoch, isn, serial;
};

struct nat_fragment {
	int family;
	uint8_t protocol;
	uint32_t src[4], dst[4], id;
	int flow;        /* -1: not ours */
	uint32_t serial; /* of the flow */
	int direction;
};

struct nat_expect {
	enum nat_kind kind;
	int flow; /* it belongs to, or -1 */
	struct frame out;
};

struct nat_model {
	struct fixture *x; /* read for what the control plane set, never for flows */
	struct nat_flow flows[NAT_MODEL_FLOWS];
	struct nat_fragment fragments[NAT_MODEL_FRAGMENTS];
	uint32_t fragment_next;
	int ring_flow[NAT_MODEL_FLOWS]; /* the half-open budget: new flows in their order */
	uint32_t ring_serial[NAT_MODEL_FLOWS], ring_next;
	uint32_t serial, mtu;
};

void nat_model_init(struct nat_model *m, struct fixture *x);

/* What must happen to the frame; changes the model's flows as the packet does. */
void nat_model_run(struct nat_model *m, const struct frame *in, struct nat_expect *e);

/*
 * After NAT_NEW: the dataplane made a flow to that backend (an index), or none (-1), counting `reason`.
 * False, with a message, if it was not allowed to; else e holds what must come out.
 */
bool nat_model_new(struct nat_model *m, const struct frame *in, int backend, enum lb_counter reason,
	struct nat_expect *e);

void nat_model_remove(struct nat_model *m, int flow);
void nat_model_doom(struct nat_model *m, int flow);

uint32_t nat_model_count(const struct nat_model *m, int family);
uint32_t nat_model_live(const struct nat_model *m, uint32_t backend);

#endif
