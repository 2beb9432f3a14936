/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_reset.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "lb/bpf/lb_state.h"
#include "lb/lb_nudge.h"

#define SLICE_LOOKS 32768 /* flows looked at in a turn of the loop */
#define SLICE_FLOWS 512   /* flows doomed in it: a raw packet costs a few microseconds */
#define SLICE_S     0.001
#define SEND_TRIES  1000 /* turns in which the socket took nothing */
#define BACKENDS    65536

struct backend_set {
	uint64_t bits[BACKENDS / 64];
};

struct lb_reset {
	struct ev_loop *loop;
	struct lb_bpf *bpf;
	ev_timer timer;
	int fd4, fd6; /* -1 = clients of that family cannot be nudged */
	bool walking;
	int family; /* the walk: where it is */
	uint32_t at;
	struct backend_set now, next; /* of this walk; of the one after it */
	bool more;                    /* next is not empty */
	struct lb_nudge nudges[SLICE_FLOWS];
	uint32_t nudge_count, nudge_at;
	unsigned tries;
};

static bool holds(const struct backend_set *set, uint16_t backend)
{
	return set->bits[backend / 64] >> backend % 64 & 1;
}

/* ---- nudges ---- */

static int raw_socket(int family)
{
	int one = 1, fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd < 0)
		return -errno;
	if (family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_HDRINCL, &one, sizeof(one))
			       : setsockopt(fd, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one))) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* -EAGAIN: later; anything else the packet's own trouble (no route): the flow is doomed all the same. */
static int send_nudge(const struct lb_reset *r, const struct lb_nudge *nudge)
{
	int fd = nudge->to.family == AF_INET6 ? r->fd6 : r->fd4;
	uint8_t packet[LB_NUDGE_MAX];
	struct sockaddr_storage to;
	size_t length;

	if (fd < 0)
		return 0;
	length = lb_nudge_build(nudge, packet);
	/* The port is in the packet; a raw IPv6 socket refuses one in the address. */
	if (sendto(fd, packet, length, 0, (struct sockaddr *)&to, addr_to_sockaddr(&nudge->to, 0, &to)) >= 0)
		return 0;
	return errno == EAGAIN || errno == ENOBUFS ? -EAGAIN : -errno;
}

static void send_nudges(struct lb_reset *r)
{
	for (; r->nudge_at < r->nudge_count; r->nudge_at++) {
		if (send_nudge(r, &r->nudges[r->nudge_at]) == -EAGAIN && ++r->tries < SEND_TRIES)
			return;
		r->tries = 0;
	}
	r->nudge_at = r->nudge_count = 0;
}

static struct net_addr address(int family, const __be32 *words)
{
	struct net_addr addr = {.family = family == 6 ? AF_INET6 : AF_INET};

	memcpy(addr.bytes, words, family == 6 ? 16 : 4);
	return addr;
}

static struct lb_nudge nudge_for(const struct lb_reset *r, int family, uint32_t id)
{
	const struct lb_flow4 *f4 = &r->bpf->view.flows4[id];
	const struct lb_flow6 *f6 = &r->bpf->view.flows6[id];
	const struct lb_flow *f = family == 6 ? &f6->head : &f4->head;
	struct lb_nudge nudge = {.from_port = ntohs(f->service_port), .to_port = ntohs(f->client_port)};
	uint32_t random[3];

	nudge.from = address(family, family == 6 ? f6->service : &f4->service);
	nudge.to = address(family, family == 6 ? f6->client : &f4->client);
	if (getrandom(random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		memset(random, 0, sizeof(random));
	/* From before the connection began: out of every window until 4 GB were sent. */
	nudge.seq = f->backend_isn - 2 - (random[0] & 0xffff);
	nudge.ack = random[1];
	nudge.timestamp = random[2];
	return nudge;
}

/* ---- the walk ---- */

static const struct lb_flow *flow_at(const struct lb_reset *r, int family, uint32_t id)
{
	return family == 6 ? &r->bpf->view.flows6[id].head : &r->bpf->view.flows4[id].head;
}

/*
 * A copy is the peer's: whether its backend is gone is for the peer to find, and to tell. But not when this node has the
 * address: then its next packet comes here.
 */
static bool is_hit(const struct lb_reset *r, int family, uint32_t id)
{
	const struct lb_flow *f = flow_at(r, family, id);

	return f->protocol == IPPROTO_TCP && lb_flow_is_live(f->state) && holds(&r->now, f->backend) &&
	       f->backend < r->bpf->sizes.backends &&
	       f->backend_epoch != r->bpf->view.backends[f->backend].epoch &&
	       (!(f->flags & LB_FLOW_COPY) || lb_bpf_has_lease(r->bpf, id, family));
}

/* Collect commands for the next hits; 0 when the walk is at its end. */
static uint32_t collect(struct lb_reset *r, uint32_t *count)
{
	struct lb_control *control = r->bpf->view.control;
	uint32_t looks = 0;

	*count = 0;
	while (r->family) {
		uint32_t end = lb_bpf_flows_touched(r->bpf, r->family);

		for (; r->at < end && looks < SLICE_LOOKS && *count < SLICE_FLOWS; r->at++, looks++) {
			if (is_hit(r, r->family, r->at))
				control[(*count)++] = (struct lb_control){.op = LB_CONTROL_DOOM,
					.family = (uint32_t)r->family,
					.id = r->at,
					.generation = flow_at(r, r->family, r->at)->generation};
		}
		if (r->at < end)
			return 1;
		r->family = r->family == 4 ? 6 : 0;
		r->at = 0;
	}
	return 0;
}

/* A client that waits for SYN+ACK has no connection to lose: its next SYN finds another backend by itself. */
static void doom(struct lb_reset *r, uint32_t count)
{
	struct lb_control *control = r->bpf->view.control;
	bool waits[SLICE_FLOWS];

	for (uint32_t i = 0; i < count; i++)
		waits[i] = flow_at(r, (int)control[i].family, control[i].id)->state == LB_FLOW_SYN;

	int err = count ? lb_bpf_control(r->bpf, count) : 0;

	if (err) {
		log_error("resetting connections: the dataplane did not take %u commands: %s", count,
			strerror(-err));
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		if (control[i].op == LB_CONTROL_DONE && !waits[i])
			r->nudges[r->nudge_count++] = nudge_for(r, (int)control[i].family, control[i].id);
}

static void begin_walk(struct lb_reset *r)
{
	r->now = r->next;
	memset(&r->next, 0, sizeof(r->next));
	r->more = false;
	r->walking = true;
	r->family = 4;
	r->at = 0;
}

static void on_slice(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct lb_reset *r = timer->data;
	uint32_t count;

	if (r->nudge_count) {
		send_nudges(r);
		return;
	}
	if (!r->walking && !r->more) {
		ev_timer_stop(loop, timer);
		return;
	}
	if (!r->walking)
		begin_walk(r);
	r->walking = collect(r, &count);
	doom(r, count);
	send_nudges(r);
}

void lb_reset_backend(struct lb_reset *r, uint16_t backend)
{
	r->next.bits[backend / 64] |= 1ULL << backend % 64;
	r->more = true;
	/* A packet that chose the backend a moment ago is in the table by then. */
	if (!ev_is_active(&r->timer)) {
		ev_timer_set(&r->timer, SLICE_S, SLICE_S);
		ev_timer_start(r->loop, &r->timer);
	}
}

int lb_reset_open(struct lb_reset **out, struct ev_loop *loop, struct lb_bpf *bpf)
{
	struct lb_reset *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->loop = loop;
	r->bpf = bpf;
	ev_init(&r->timer, on_slice);
	r->timer.data = r;
	r->fd4 = raw_socket(AF_INET);
	r->fd6 = raw_socket(AF_INET6);
	if (r->fd4 == -EPERM || r->fd6 == -EPERM)
		log_warn("no raw sockets: clients of a backend that went down learn of it with their next "
			 "packet only; give "
			 "CAP_NET_RAW");
	else if (r->fd4 < 0)
		log_warn("no raw sockets: clients of a backend that went down learn of it with their next "
			 "packet only (%s)",
			strerror(-r->fd4));
	*out = r;
	return 0;
}

void lb_reset_close(struct lb_reset *r)
{
	if (!r)
		return;
	ev_timer_stop(r->loop, &r->timer);
	if (r->fd4 >= 0)
		close(r->fd4);
	if (r->fd6 >= 0)
		close(r->fd6);
	free(r);
}
