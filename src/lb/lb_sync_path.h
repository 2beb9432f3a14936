/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One path of connection sync: a UDP socket between two addresses of the pair, and its sealed channel. Moves datagrams, many
 * with one call, and knows whether they arrive each way. What is in them is lb_sync_link's.
 */
#ifndef TANDEM_LB_LB_SYNC_PATH_H
#define TANDEM_LB_LB_SYNC_PATH_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/secure_dgram.h"

#define LB_SYNC_PATH_BATCH 32
#define LB_SYNC_PATH_TURN  64 /* datagrams that are read before others get their turn */
#define LB_SYNC_ALIVE_NS   INT64_C(1000000000)

struct lb_sync_path_counters {
	uint64_t sent, received; /* datagrams of the session */
	uint64_t signs_sent, signs_received;
	uint64_t send_failed;
	uint64_t strangers; /* from another address; not looked at */
	uint64_t malformed; /* well sealed, but of another version */
	uint64_t outdated;  /* of a start of the peer, or of ours, that is over */
};

struct lb_sync_path;

struct lb_sync_path_ops {
	/* A datagram that was opened. */
	void (*take)(struct lb_sync_path *path, const uint8_t *plain, size_t len, int64_t now);
	/* A turn of reading is over, or the socket can take more again. */
	void (*turn)(struct lb_sync_path *path);
};

struct lb_sync_path_datagram {
	size_t len;
	uint8_t bytes[SECURE_DGRAM_MAX];
};

struct lb_sync_path {
	const struct lb_sync_path_ops *ops;
	void *owner;
	struct ev_loop *loop;
	size_t number; /* from 0 */
	struct net_addr local, remote;
	uint16_t port;
	int fd; /* -1: closed, or nobody listens: see send_error */
	ev_io readable, writable;
	struct secure_dgram *channel;
	bool was_ready;      /* the channel */
	int64_t hello_at;    /* the last */
	bool sign_due;       /* the owner's: sooner than it is used to */
	int64_t sign_at;     /* the owner's: its last */
	int64_t heard_at;    /* anything well sealed; INT64_MIN: never */
	int64_t word_at;     /* when the peer said how long ago it had heard us by this path */
	uint32_t word_ms;    /* what it said */
	bool up;             /* the owner's: as was told last */
	int64_t stuck_until; /* the owner's: what it sent got stuck there; another path is better until then */
	int send_error;      /* errno of the last send, 0: none; why nobody listens */
	int64_t listen_at;   /* the last try */
	int told_error;      /* the owner's: why nobody listens, as was told last */
	size_t waiting, gone; /* in the outbox; of these sent */
	struct lb_sync_path_counters counters;
	struct lb_sync_path_datagram outbox[LB_SYNC_PATH_BATCH];
};

/* Open the socket and begin to listen; where that cannot be it is tried again with each second's greeting. ops, owner, loop, number, local, remote and port are set, the rest is zero. node: this
 * one's name. 0 or -errno; lb_sync_path_close() is due in any case. */
int lb_sync_path_open(struct lb_sync_path *path, const char *node, const struct secure_keys *keys);
void lb_sync_path_close(struct lb_sync_path *path);

/* Say hello if that is due; a few times a second at most. */
void lb_sync_path_greet(struct lb_sync_path *path, int64_t now);

/* Heard within LB_SYNC_ALIVE_NS, each way? */
bool lb_sync_path_is_alive(const struct lb_sync_path *path, int64_t now);
/* ms since something of the peer came, LB_SYNC_NEVER_MS: never. */
uint32_t lb_sync_path_heard_ms(const struct lb_sync_path *path, int64_t now);

/* Can it take a datagram now? If not ops->turn() is called when it can. */
bool lb_sync_path_has_room(struct lb_sync_path *path);
/* Seal and send, with others of the same turn: lb_sync_path_flush() is due. False: no session of the channel. */
bool lb_sync_path_send(struct lb_sync_path *path, const uint8_t *plain, size_t len);
void lb_sync_path_flush(struct lb_sync_path *path);

#endif
