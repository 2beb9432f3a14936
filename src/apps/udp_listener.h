/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP server sockets: one for a literal address, two for "*". Each datagram comes with the address it was
 * sent to, and the reply leaves from that address (IP_PKTINFO, RFC 3542), also where the socket is bound to
 * the wildcard.
 */
#ifndef TANDEM_APPS_UDP_LISTENER_H
#define TANDEM_APPS_UDP_LISTENER_H

#include <ev.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "apps/endpoint.h"

#define UDP_DATAGRAM_MAX 65536 /* above the largest payload of either family: nothing is cut */

struct udp_datagram {
	uint8_t *data; /* lives until the callback returns; the callback may change it */
	size_t len;
	size_t whole; /* as it was on the wire; more than len where the rest did not fit (MSG_TRUNC) */
	struct endpoint from;
	struct timespec received; /* wall clock, as the kernel stamped it */
	bool has_local;           /* the next one is filled in */
	union {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
	} local; /* the address that was asked */
	int fd;
};

struct udp_listener {
	struct ev_loop *loop;
	ev_io io[2];
	struct endpoint at[2];
	int count;
	uint8_t *buffer;
	size_t room; /* of the buffer is offered to the kernel */
	void (*on_datagram)(void *ctx, struct udp_datagram *datagram);
	void *ctx;
};

/* As tcp_listener_open(); binds, and calls on_datagram for everything that arrives. */
int udp_listener_open(struct udp_listener *listener, struct ev_loop *loop, const char *program,
	const char *addr, uint16_t port, void (*on_datagram)(void *ctx, struct udp_datagram *datagram),
	void *ctx);

/* Offer only so many bytes (1..UDP_DATAGRAM_MAX) for a datagram: of longer ones the kernel drops the rest. */
void udp_listener_limit(struct udp_listener *listener, size_t room);

/* Send data back to where the datagram came from, from the address it was sent to. 0 or -errno: UDP may
 * lose, so a full socket buffer is the caller's to count, not to retry. */
int udp_reply(const struct udp_datagram *to, const void *data, size_t len);

void udp_listener_close(struct udp_listener *listener);

#endif
