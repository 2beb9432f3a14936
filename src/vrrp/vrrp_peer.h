/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other node, heard by more ways than the shared links: beacons over every path of the pair (UDP between the nodes'
 * peer_addresses), sealed by secure_dgram. Sends what this node says of itself; vrrp_said keeps what the peer said. Judges
 * nothing: vrrp_verdict does.
 */
#ifndef TANDEM_VRRP_PEER_H
#define TANDEM_VRRP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/secure_dgram.h"
#include "vrrp/vrrp_beacon.h"
#include "vrrp/vrrp_model.h"
#include "vrrp/vrrp_said.h"
#include "vrrp/vrrp_timer.h"

struct ev_loop;
struct vrrp_peer;

struct vrrp_peer_ops {
	/* What this node says of its unit i; false: there is none. */
	bool (*unit)(void *data, size_t i, struct vrrp_beacon_unit *out);
	/* How much of the peer's connection table this node holds. */
	enum vrrp_table (*table)(void *data);
	/* A beacon came, or it is time for one of ours: ask again what it changes. */
	void (*heard)(void *data);
	/* A path, or the peer as a whole, was found or lost, or the peer began anew: for the event log. */
	void (*tell)(void *data, const char *event, const char *cause);
};

/* Open every path; where that cannot be it is told, and tried again. model->key_file is read here. node is this node's name.
 * What is borrowed: loop, timers, ops, data; the model is copied. 0, or -errno with one line in error. */
int vrrp_peer_open(struct vrrp_peer **out, struct ev_loop *loop, struct vrrp_timers *timers,
	const struct conf_peer *model, const char *node, const struct vrrp_peer_ops *ops, void *data,
	char *error, size_t error_size);
void vrrp_peer_close(struct vrrp_peer *peer); /* NULL is fine */
void vrrp_peer_end(struct vrrp_peer *peer);   /* with a last beacon */

/* Would that model change anything but what its key file holds? */
bool vrrp_peer_is_as(const struct vrrp_peer *peer, const struct conf_peer *model, const char *node);
/* Read the key file again (reload). 0 or -errno with one line in error: the keys stay. */
int vrrp_peer_rekey(struct vrrp_peer *peer, char *error, size_t error_size);

/* Something changed: send a beacon by every path as soon as the loop runs, one for all that changes until then. */
void vrrp_peer_speak(struct vrrp_peer *peer);
/* Read all that has come. After a pause of this process what came meanwhile is forgotten, for nobody knows how old it is,
 * and silence is reckoned from now on. */
void vrrp_peer_drain(struct vrrp_peer *peer);

/* What beacons say from now on; see vrrp_beacon.h. */
void vrrp_peer_set_config_hash(struct vrrp_peer *peer, uint32_t hash);

/* What it said last. */
const struct vrrp_said *vrrp_peer_said(const struct vrrp_peer *peer);

/* For status. */
struct vrrp_peer_path {
	struct net_addr local, remote;
	bool up;              /* something came within the timeout */
	bool listens;         /* else send_error says why it could not; it is tried again */
	bool session;         /* a secure session is there */
	int64_t heard_at;     /* VRRP_NEVER */
	uint32_t heard_us_ms; /* what the peer says of us on that path; UINT32_MAX: never */
	int send_error;       /* errno of the last send, 0: none */
	uint64_t beacons_sent, beacons_received;
	uint64_t malformed; /* from a good peer of another version */
	uint64_t outdated;  /* of a start of the peer that was over already */
	uint64_t strangers; /* from another address; not looked at */
	struct secure_counters secure;
};
struct vrrp_peer_status {
	const char *node;                  /* the configured name */
	char says_node[VRRP_NAME_MAX + 1]; /* what it calls itself */
	uint64_t boot;                     /* 0: never heard */
	bool same_config;                  /* vrrp_model_hash() of both is the same */
	uint8_t table;                     /* enum vrrp_table */
	size_t paths;
};
void vrrp_peer_status(const struct vrrp_peer *peer, struct vrrp_peer_status *out);
void vrrp_peer_path(const struct vrrp_peer *peer, size_t i, struct vrrp_peer_path *out);

#endif
