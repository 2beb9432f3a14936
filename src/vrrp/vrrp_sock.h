/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets in and out. Receiving: one raw socket (protocol 112) for each interface and family, bound to the device, with
 * the multicast group joined. Sending: one packet socket for whole Ethernet frames (multicast adverts and announcements,
 * so that the source MAC may be the virtual one), and a raw IP socket for each family for unicast adverts, which need the
 * kernel's neighbour lookup. Knows no instance and no VRRP but its protocol number, group and TTL.
 */
#ifndef TANDEM_VRRP_SOCK_H
#define TANDEM_VRRP_SOCK_H

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "vrrp/vrrp_packet.h"

struct ev_loop;
struct vrrp_rx;
struct vrrp_tx;

/* payload: the IP payload, valid during the call. */
typedef void vrrp_rx_fn(void *data, const uint8_t *payload, size_t len, const struct vrrp_ip *ip);

/* Listen. 0 or -errno (not logged). The interface may go away later: then nothing comes any more; close and open again. */
int vrrp_rx_open(struct vrrp_rx **out, struct ev_loop *loop, const char *interface, int ifindex,
	uint8_t family, vrrp_rx_fn *fn, void *data);
void vrrp_rx_close(struct vrrp_rx *rx);

/* Read everything that has arrived, now (calls fn); bounded to what a full socket buffer holds. fn may close no rx. */
void vrrp_rx_drain(struct vrrp_rx *rx);

/* Packets that the kernel dropped because the buffer was full (SO_RXQ_OVFL). */
uint64_t vrrp_rx_lost(const struct vrrp_rx *rx);

int vrrp_tx_open(struct vrrp_tx **out);
void vrrp_tx_close(struct vrrp_tx *tx);

/* Send now, or fail: 0 or -errno (-ENETDOWN, -ENOBUFS ...), never waits. frame: a whole Ethernet frame. */
int vrrp_tx_frame(struct vrrp_tx *tx, int ifindex, const uint8_t *frame, size_t len);
int vrrp_tx_unicast(struct vrrp_tx *tx, int ifindex, const struct net_addr *source,
	const struct net_addr *destination, const uint8_t *payload, size_t len);

#endif
