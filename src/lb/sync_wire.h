/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flow records <-> bytes: what one balancer tells the other about connections, sticky sources and runtime weights. Pure;
 * the bytes travel in secure_dgram, in datagrams of one header and records up to SYNC_DATAGRAM_MAX. Records name addresses,
 * ports and names, never local ids, so that both nodes may number as they like. Byte order ends here; every record has a
 * length of its own, so that a later version may append to it; a kind that is not known is skipped and counted.
 *
 * Datagrams are numbered from 1 in each session; the receiver acknowledges all up to a number and, above it, a bitmap of
 * those that came: what is missing is sent again. The bulk of a joining node runs in the same sequence as the increments,
 * marked by its begin and end.
 */
#ifndef TANDEM_LB_SYNC_WIRE_H
#define TANDEM_LB_SYNC_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

/* A datagram with its records. What lb_sync_word.h puts before it, the channel around it, and the headers of UDP and IPv6
 * still go into a frame of 1,500 bytes. */
#define SYNC_DATAGRAM_MAX 1372

enum sync_kind {
	SYNC_FLOW = 1, /* a flow is, or has changed: struct sync_flow */
	SYNC_FLOW_END, /* it ended: struct sync_flow; its state and idle_s travel as 0 */
	SYNC_STICKY,   /* struct sync_sticky */
	SYNC_WEIGHT,   /* struct sync_weight */
	SYNC_BULK_BEGIN, /* no body: all that follows until END is the whole table; earlier copies of this sender that are
			     not named in between are dropped at END */
	SYNC_BULK_END,
	SYNC_TABLE, /* struct sync_table: whose flows are told from here on; first in a bulk */
};

/* A flow's place in its life, coarser than the dataplane's: what the other node needs to go on with it. */
enum sync_state {
	SYNC_TCP_ESTABLISHED = 1,
	SYNC_TCP_HALF_CLOSED_CLIENT,
	SYNC_TCP_HALF_CLOSED_BACKEND,
	SYNC_UDP
};

/* From whom the sender has it. */
enum sync_hand {
	SYNC_FIRST_HAND, /* it forwards it */
	SYNC_OF_PEER, /* from the table that sync_table.peer names, which alone knows whether it still is */
	SYNC_OF_OTHER /* from one of before: nobody else may know of it */
};

struct sync_flow {
	uint8_t family;   /* AF_INET or AF_INET6 */
	uint8_t protocol; /* 6 or 17 */
	uint8_t state;    /* enum sync_state */
	uint8_t hand;     /* enum sync_hand */
	uint16_t client_port, service_port, backend_port;
	uint8_t client[16], service[16], backend[16]; /* network order; IPv4 in the first four */
	uint32_t idle_s;                              /* since its last packet */
	uint32_t backend_isn;                         /* TCP, of the SYN+ACK */
};

struct sync_sticky {
	char pool[64];
	uint8_t family;
	uint8_t source[16]; /* masked */
	struct net_addr backend;
	uint16_t backend_port;
	uint32_t idle_s;
};

struct sync_weight {
	char pool[64], backend[64];
	int32_t weight;   /* -1: as configured */
	uint8_t admin;    /* enum lb_admin */
	uint64_t said_ms; /* wall clock, when an operator said so: the later word counts on both nodes */
};

/* A flow table has a number for as long as it lives: what a table of another number does not name may well be. */
struct sync_table {
	uint64_t id;
	uint64_t peer; /* the table that the sender's newer copies are from; 0: none */
};

struct sync_record {
	enum sync_kind kind;
	union {
		struct sync_flow flow;
		struct sync_sticky sticky;
		struct sync_weight weight;
		struct sync_table table;
	};
};

enum sync_datagram_type { SYNC_DATA = 1, SYNC_ACK };

struct sync_header {
	uint8_t type; /* enum sync_datagram_type */
	uint32_t
		config_hash; /* of pools and services: a difference is shown; records are judged one by one */
	uint64_t sequence;   /* DATA: of this datagram; ACK: all up to this one came */
	uint64_t missing;    /* ACK: bit i set: sequence + 1 + i came */
	uint32_t
		sent_ms; /* DATA: sender's monotonic clock; ACK: that of the newest datagram acknowledged, for the lag */
	bool want_bulk;   /* ACK: send the whole table (the receiver has begun anew) */
	bool in_sync;     /* DATA: the table was sent whole, and nothing is waiting */
	uint16_t records; /* DATA */
};

/* Writing: begin, add as many as fit, end. A cursor whose error sticks. */
struct sync_writer {
	uint8_t *buf;
	size_t size, at;
	uint16_t records;
	bool full; /* the last add did not fit; what was added before is whole */
};
void sync_write_begin(struct sync_writer *w, const struct sync_header *header, uint8_t *buf, size_t size);
/* 0, -ENOSPC (nothing written), -EINVAL (a field out of its range). */
int sync_write_record(struct sync_writer *w, const struct sync_record *record);
/* The length of the datagram. */
size_t sync_write_end(struct sync_writer *w);

struct sync_reader {
	const uint8_t *buf;
	size_t len, at;
	uint16_t left;    /* records */
	uint64_t unknown; /* kinds that were skipped */
};
/* 0, or -EBADMSG: too short, another version, a type that is none. */
int sync_read_begin(struct sync_reader *r, struct sync_header *header, const uint8_t *buf, size_t len);
/* 1: a record is in out; 0: the end; -EBADMSG: the rest is worthless. */
int sync_read_record(struct sync_reader *r, struct sync_record *out);

#endif
