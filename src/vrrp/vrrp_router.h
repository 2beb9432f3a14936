/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One virtual router (RFC 9568 section 1.7): an instance's part for one family. Builds and sends its adverts and
 * announcements, judges those that come by the config, counts both. Has no state of its own: that is the unit's.
 */
#ifndef TANDEM_VRRP_ROUTER_H
#define TANDEM_VRRP_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_fsm.h"
#include "vrrp/vrrp_model.h"
#include "vrrp/vrrp_packet.h"
#include "vrrp/vrrp_sock.h"
#include "vrrp/vrrp_ward.h"

struct vrrp_router_counters {
	uint64_t sent, sent_zero, send_failed;  /* adverts; those of priority 0 among them */
	uint64_t received, received_zero;       /* good ones */
	uint64_t received_legacy, received_rfc; /* good ones of v3 over IPv4 by form of the checksum */
	uint64_t discarded[VRRP_DISCARD_REASONS];
	uint64_t interval_mismatch, address_mismatch; /* good ones that say something else than our config */
	uint64_t announced, announce_failed;          /* gratuitous ARP or unsolicited NA frames */
};

struct vrrp_router {
	uint8_t family;
	const struct vrrp_instance *conf; /* the model's, set anew on reload */
	struct vrrp_tx *tx;
	int ifindex;            /* of the instance's interface: adverts come and go there */
	uint8_t mac[6];         /* of adverts and announcements: the interface's or the virtual one */
	int place;              /* ifindex where the addresses are: the interface or the macvlan */
	struct net_addr source; /* of adverts; AF_UNSPEC until one was there */
	struct vrrp_router_counters n;
	int hear_error; /* -errno: no socket could be opened to hear adverts by */
	/* of the last advert that was sent, or was not */
	int send_error;          /* -errno, 0: it went */
	struct net_addr send_to; /* the first peer that it could not be sent to; AF_UNSPEC: the group */
	int told_error;          /* the send_error that was told last, */
	int64_t told_at;         /* and when; 0: none ever */
	int64_t unannounced_told_at;
	/* of the last good advert */
	struct net_addr heard_from;
	uint8_t heard_priority;
	uint32_t heard_interval_ms;
	int64_t heard_at; /* ns, VRRP_NEVER: none */
	bool interval_differs, addresses_differ;
};

/* The addresses of the router's family; count may be NULL. */
const struct vrrp_address *vrrp_router_addresses(const struct vrrp_router *router, size_t *count);

/* Send an advert to the group or to each peer. 0 or the first -errno; counted, not logged. */
int vrrp_router_advertise(struct vrrp_router *router, uint8_t priority);

/* Why a frame or packet did not go, and what to look at; "" for 0. Returns out. */
const char *vrrp_router_why_unsent(int err, char *out, size_t size);
/* Of the last advert, with the peer. */
const char *vrrp_router_send_trouble(const struct vrrp_router *router, char *out, size_t size);

/* Tell the link who has the addresses. 0 or the first -errno. */
int vrrp_router_announce(struct vrrp_router *router);

/* The advert of priority 0, for somebody who may have to send it instead. 0, or -EAGAIN without a source. */
int vrrp_router_farewell(const struct vrrp_router *router, struct vrrp_farewell *out);

/*
 * Judge an advert that decoded well, by the config. VRRP_OK: heard is what the state machine is to be told, and what
 * was seen is remembered.
 */
enum vrrp_discard vrrp_router_judge(struct vrrp_router *router, const struct vrrp_advert *advert,
	const struct vrrp_ip *ip, enum vrrp_checksum_form form, int64_t now, struct vrrp_heard *heard);

/*
 * By which of the two the last news came: the first when both brought the same (priority) within an interval, for then
 * it is one speaker's. Either may be NULL or have heard nothing; NULL when there was nothing.
 */
const struct vrrp_router *vrrp_router_later(
	const struct vrrp_router *first, const struct vrrp_router *second);

#endif
