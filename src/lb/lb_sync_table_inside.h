/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an lb_sync_table is made of, for its three files: lb_sync_table.c (its life, what the dataplane and the aging tell),
 * lb_sync_tell.c (records for the peer), lb_sync_take.c (records of the peer).
 */
#ifndef TANDEM_LB_SYNC_TABLE_INSIDE_H
#define TANDEM_LB_SYNC_TABLE_INSIDE_H

#include "lb/lb_names.h"
#include "lb/lb_sync_flow.h"
#include "lb/lb_sync_table.h"
#include "lb/sync_changes.h"

enum lb_walk_phase { LB_WALK_TABLE, LB_WALK_FLOWS4, LB_WALK_FLOWS6, LB_WALK_STICKY, LB_WALK_DONE };

struct lb_walk_sticky {
	struct lb_sticky_key key;
	struct lb_sticky_entry entry;
};

/* The walk over the whole table. */
struct lb_walk {
	enum lb_walk_phase phase;
	uint32_t at;
	struct lb_walk_sticky *sticky; /* owned: the sources when the phase began */
	uint32_t sticky_count, sticky_room;
};

/*
 * Whose a copy is. The peer's bulks are counted; each copy bears the number of the one that ran, or had run last, when the
 * peer told of it. At the end of a whole bulk, copies with the number of an earlier one are those that the peer has no more.
 * But only as long as it is the same table that speaks: after a restart of the machine the peer knows nothing, and we may
 * hold the only word of connections that will go on here. So the number of a table's first bulk is kept: copies of older
 * ones are left to age, and so are those that the peer itself had only at second hand (number 0).
 */
struct lb_whose {
	uint16_t *stamp[2]; /* owned, by flow: IPv4, IPv6 */
	uint16_t bulk;      /* the one that runs, or the last that began */
	uint16_t whole;     /* the last that ended whole; 0: none */
	uint16_t first;     /* of the peer's table that speaks; 0: not known */
	uint64_t its_peer;  /* the table that it has its own copies from */
	bool is_named;      /* it has said which it is since the bulk began */
};

struct lb_sync_table {
	struct lb_live *live;
	struct lb_age *age;
	struct lb_bpf *bpf;
	void (*lost)(void *data);
	void *data;
	bool must_tell_lost;
	bool missed;     /* records of the peer were lost here */
	bool is_telling; /* a bulk has begun: what changes is told, and what goes on being used is told again */
	int64_t now;     /* ns, of what is being read */
	uint32_t applied; /* of live: the config that names is of */
	uint32_t ring_lost;
	uint32_t sweeps; /* of the sticky sources */
	struct sync_changes changes;
	struct lb_names names;
	struct lb_walk walk;
	struct lb_whose whose;
	uint32_t *told[2];    /* owned, by flow: jiffies of the last record of it */
	uint64_t *told_words; /* owned, by backend: said_ms of the word that was told, or came */
	uint32_t gathered;    /* records in view.installs */
	uint32_t no_room;     /* for so many records since the newest bulk began */
	uint32_t jiffies;     /* when the first of them came */
	struct lb_sync_table_counters counters;
};

/* ---- lb_sync_table.c ---- */

/* What waits is of no use, for the whole table will be told: but for the operators' words, which wait anew. */
void lb_sync_table_forget(struct lb_sync_table *t);
/* What a put into changes returned: when the queue ran over, `lost` is called at the next quiet moment. */
void lb_sync_note(struct lb_sync_table *t, int result);
void lb_sync_tell_lost(struct lb_sync_table *t);
/* NULL: none has that index. */
struct lb_live_backend *lb_sync_backend(struct lb_sync_table *t, uint32_t index);

/* ---- lb_sync_tell.c ---- */

/* The number of this node's flow table: the same for as long as it lives, whichever process reads it; not 0. */
uint64_t lb_sync_table_id(const struct lb_sync_table *t);

/* ---- lb_sync_take.c ---- */

/* enum sync_hand of a copy. */
uint8_t lb_sync_hand_of_copy(const struct lb_sync_table *t, uint32_t id, int v6);

/* Has the peer's table no such flow any more? */
bool lb_sync_is_orphan(const struct lb_sync_table *t, uint32_t id, int v6);
/* Till the next whole bulk nothing is an orphan. */
void lb_sync_whose_unknown(struct lb_sync_table *t);
int lb_sync_whose_open(struct lb_sync_table *t);

#endif
