/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The books of a burst of numbered queries: which were answered, in which order, which twice and which not at
 * all. Pure. A query's number travels in the transmit field of an SNTP query, which the server's reply
 * carries back as originate (RFC 4330): cookie, try and number, so that a stranger's reply is none of ours.
 */
#ifndef TANDEM_APPS_BURST_H
#define TANDEM_APPS_BURST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BURST_QUERIES_MAX 10000
#define BURST_TRIES_MAX   32

enum burst_reply {
	BURST_FIRST,     /* the first answer to this query */
	BURST_OVERTAKEN, /* the same, but a later query was answered before it */
	BURST_DUPLICATE, /* this try was answered before: the network (or the server) doubled something */
	BURST_SPARE,     /* the query was answered before, this is the answer to another try */
	BURST_FOREIGN,   /* answers nothing that was asked */
	BURST_REPLIES
};

struct burst_query {
	uint32_t asked, answered; /* a bit for each try */
};

struct burst {
	struct burst_query *queries; /* [count], number n at n - 1; the caller's */
	unsigned count;
	uint32_t cookie;
	unsigned highest; /* number of the latest query that was answered */
	uint64_t sent;    /* datagrams, every try of them */
	uint64_t replies[BURST_REPLIES];
};

/* queries has count elements (1..BURST_QUERIES_MAX) and lives as long as the burst; cookie is random. */
void burst_init(struct burst *burst, struct burst_query *queries, unsigned count, uint32_t cookie);

/* Number (1..count) and try (0..BURST_TRIES_MAX - 1) as they go into the query's transmit field. */
uint64_t burst_stamp(const struct burst *burst, unsigned number, unsigned try_index);

/* Note that this try of the query has been sent. */
void burst_sent(struct burst *burst, unsigned number, unsigned try_index);

/* Note a reply with this originate field; *number is set unless it is foreign. */
enum burst_reply burst_received(struct burst *burst, uint64_t originate, unsigned *number);

bool burst_answered(const struct burst *burst, unsigned number);

/* How many queries have an answer. */
unsigned burst_answers(const struct burst *burst);

/* The numbers without an answer as "3 7-9 20" into buf; cut, with "..." at its end, where there is no room. */
void burst_lost_text(const struct burst *burst, char *buf, size_t size);

#endif
