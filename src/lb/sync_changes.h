/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the peer has not been told yet: a bounded queue, first in first out. Of a thing that lives (a flow, a backend's
 * weight) only its number waits, and once: who takes it looks at the thing then, so what changes ten times before that is
 * told once. What is over (a flow's end) or stands in no table that can be looked at (a sticky source) waits whole. A flow of a
 * later generation under the same number is another change, and the end between keeps its place.
 *
 * When the queue is full everything is forgotten, for a bulk tells it all. Pure; memory is taken at the start (one number
 * for each flow, and the places of the queue) but only touched when it is used.
 */
#ifndef TANDEM_LB_SYNC_CHANGES_H
#define TANDEM_LB_SYNC_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SYNC_CHANGES_MAX 262144

enum sync_change_kind {
	SYNC_CHANGE_FLOW4,
	SYNC_CHANGE_FLOW6,
	SYNC_CHANGE_WEIGHT,
	SYNC_CHANGE_END,
	SYNC_CHANGE_STICKY
};
#define SYNC_CHANGE_TABLES 3 /* the first kinds are numbers of what lives */

/* A flow that is over, as the dataplane told it: network order, IPv4 in the first four bytes. */
struct sync_change_end {
	uint8_t client[16], service[16], backend[16];
	uint16_t client_port, service_port, backend_port; /* network order */
	uint8_t family, protocol;                         /* 4 or 6; 6 or 17 */
};

/* A source and the backend it is bound to: numbers here. */
struct sync_change_sticky {
	uint8_t source[16];  /* masked */
	uint32_t pool, used; /* used: jiffies */
	uint16_t backend;
	uint8_t family; /* 4 or 6 */
};

struct sync_change {
	int64_t born; /* ns */
	uint8_t kind; /* enum sync_change_kind */
	uint32_t id, generation;
	union {
		struct sync_change_end end;
		struct sync_change_sticky sticky;
	};
};

struct sync_changes {
	struct sync_change *places; /* owned */
	uint32_t size, first, count;
	uint32_t *newest[SYNC_CHANGE_TABLES]; /* owned; by number: the generation that waits; 0: none does */
	uint32_t numbers[SYNC_CHANGE_TABLES];
	uint64_t overflows;
};

/* size: places, 1..SYNC_CHANGES_MAX; numbers: how many of each kind that lives. 0, -EINVAL, -ENOMEM (nothing is left to
 * close). */
int sync_changes_open(struct sync_changes *q, uint32_t size, const uint32_t numbers[SYNC_CHANGE_TABLES]);
void sync_changes_close(struct sync_changes *q);

/* Each: 0; -EOVERFLOW: it was full, everything is forgotten, this one too. born must not run backwards. */
/* kind: one that lives. generation 0 is taken for 1. -ERANGE: no such number. */
int sync_changes_put(
	struct sync_changes *q, enum sync_change_kind kind, uint32_t id, uint32_t generation, int64_t born);
int sync_changes_put_end(struct sync_changes *q, const struct sync_change_end *end, int64_t born);
int sync_changes_put_sticky(struct sync_changes *q, const struct sync_change_sticky *sticky, int64_t born);

/* The oldest; NULL: none. Valid until the next call. */
const struct sync_change *sync_changes_first(const struct sync_changes *q);
/* It is told, or of no use. */
void sync_changes_drop(struct sync_changes *q);
void sync_changes_forget(struct sync_changes *q);

#endif
