/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The packet that makes a TCP host speak: an ACK outside of its window, which RFC 9293 3.10.7.4 has it
 * answer with an ACK that carries its real numbers. Pure bytes; nothing is sent here.
 *
 * It has a timestamp option, because RFC 7323 3.2 lets a host that negotiated them drop silently what has
 * none (FreeBSD does), and one octet of data, because bare ACKs that fail RFC 7323's age test are dropped
 * silently by some (FreeBSD, Linux since 6.14) while data is answered. The octet is outside of the window:
 * no program ever reads it.
 */
#ifndef TANDEM_LB_NUDGE_H
#define TANDEM_LB_NUDGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

#define LB_NUDGE_MAX 73 /* IPv6 40, TCP 20, timestamps 12, octet 1 */

struct lb_nudge {
	struct net_addr from, to; /* of one family */
	uint16_t from_port, to_port;
	uint32_t seq, ack;
	uint32_t timestamp;
};

/* Write the packet from its IP header on, all checksums in place; returns its length: 53 or 73. */
size_t lb_nudge_build(const struct lb_nudge *nudge, uint8_t out[LB_NUDGE_MAX]);

#endif
