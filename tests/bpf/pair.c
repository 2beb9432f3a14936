/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pair.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "lb_tc.skel.h"

struct pair_heard pair_heard;

/* ---- records of the peer ---- */

struct lb_install *pair_record(struct fixture *x, uint32_t at, enum lb_install_op op, uint32_t service,
	const struct endpoint *client, uint32_t backend, enum lb_flow_state state)
{
	const struct fixture_service *s = &x->services[service];
	const struct lb_backend_entry *b = &x->b.view.backends[backend];
	struct lb_install *r = &x->b.view.installs[at];

	*r = (struct lb_install){.op = op,
		.family = (uint8_t)s->family,
		.protocol = s->protocol,
		.state = (uint8_t)state,
		.client_port = htons(client->port),
		.service_port = htons(s->at.port),
		.backend_port = b->port,
		.service = (uint16_t)service,
		.backend = (uint16_t)backend,
		.last_seen = lb_bpf_now(&x->b),
		.backend_isn = 5000,
		.id = UINT32_MAX};
	memcpy(r->client, client->addr, sizeof(r->client));
	memcpy(r->service_addr, s->at.addr, sizeof(r->service_addr));
	memcpy(r->backend_addr, b->addr, sizeof(r->backend_addr));
	return r;
}

void pair_install(struct fixture *x, uint32_t count)
{
	assert_int_equal(lb_bpf_install(&x->b, count), 0);
}

enum lb_install_op pair_put(struct fixture *x, uint32_t service, const struct endpoint *client,
	uint32_t backend, enum lb_flow_state state)
{
	struct lb_install *r = pair_record(x, 0, LB_INSTALL_PUT, service, client, backend, state);

	pair_install(x, 1);
	return (enum lb_install_op)r->op;
}

enum lb_install_op pair_end(
	struct fixture *x, uint32_t service, const struct endpoint *client, uint32_t backend)
{
	struct lb_install *r = pair_record(x, 0, LB_INSTALL_END, service, client, backend, LB_FLOW_FREE);

	pair_install(x, 1);
	return (enum lb_install_op)r->op;
}

void pair_flow_ages(struct lb_flow *f, uint32_t jiffies)
{
	f->last_seen -= jiffies;
}

/* ---- the ring of changes ---- */

static void on_change(void *data, const struct lb_change *change)
{
	struct pair_heard *h = data;

	if (h->count < PAIR_HEARD)
		memcpy(&h->at[h->count], change,
			change->kind == LB_CHANGE_END ? sizeof(struct lb_change_end) : sizeof(*change));
	h->count++;
}

void pair_listen(struct fixture *x)
{
	assert_int_equal(lb_bpf_changes_open(&x->b, on_change, &pair_heard), 0);
}

uint32_t pair_hear(struct fixture *x)
{
	int visited;

	memset(&pair_heard, 0, sizeof(pair_heard));
	do {
		visited = lb_bpf_changes_read(&x->b);
		assert_true(visited >= 0);
	} while (visited);
	return pair_heard.count;
}

/* ---- leases ---- */

int64_t pair_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * PAIR_SECOND + t.tv_nsec;
}

void pair_enter(struct fixture *x, int family, const uint32_t *addr, uint32_t ifindex, uint32_t lease)
{
	struct lease_addr key = {.family = (uint32_t)family, .ifindex = ifindex};
	struct lease_board *board = (struct lease_board *)&x->b.view.leases[0];

	memcpy(key.addr, addr, family == 6 ? 16 : 4);
	assert_int_equal(
		bpf_map_update_elem(bpf_map__fd(x->b.skel->maps.lease_addrs), &key, &lease, BPF_NOEXIST), 0);
	board->entries++;
}

void pair_stamp(struct fixture *x, uint32_t lease, int64_t ns)
{
	x->b.view.leases[lease].until_ns = (uint64_t)(pair_now() + ns);
}
