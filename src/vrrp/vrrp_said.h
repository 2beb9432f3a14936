/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the peer said last, and how long ago, by path and by unit: fed with decoded beacons, asked for the peer's part of
 * the facts that vrrp_verdict wants. Pure: no socket, no clock; vrrp_peer drives it, and so does the simulator.
 *
 * - Beacons come by several paths, each at its own speed: what is newer counts, for each unit by itself.
 * - The peer's start has a number. What comes of a start that is over was held up on the way, and says nothing. Which of
 *   two is over the numbers do not tell: when one that is believed to be over goes on speaking for a whole timeout in
 *   which the other says nothing, it was the other.
 * - A word is as old as the beacon that brought it, and is not believed beyond the timeout.
 * - Priority 0 on the LAN that is newer than the word says that the peer leaves, or was killed and its guard says so.
 */
#ifndef TANDEM_VRRP_SAID_H
#define TANDEM_VRRP_SAID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_beacon.h"
#include "vrrp/vrrp_fsm.h"
#include "vrrp/vrrp_verdict.h"

#define VRRP_PAST_BOOTS 8

struct vrrp_said_path {
	int64_t heard_at;     /* VRRP_NEVER */
	uint32_t heard_us_ms; /* what the peer says of us on that path; UINT32_MAX: never */
};

struct vrrp_said_word {
	struct vrrp_beacon_unit unit;
	uint64_t sequence;
	int64_t heard_at;
};

/* Read what you like, write by vrrp_said_*() only. */
struct vrrp_said {
	int64_t timeout_ns, since; /* so long we listen */
	int64_t forgiven_at;       /* the end of the last pause of ours; VRRP_NEVER: there was none */
	size_t path_count;
	struct vrrp_said_path path[VRRP_PATHS_MAX];
	char node[VRRP_NAME_MAX + 1];
	uint64_t boot, sequence;              /* 0: never heard */
	uint64_t past_boots[VRRP_PAST_BOOTS]; /* a ring */
	size_t past_next;
	int64_t refused_since, refused_at; /* of a past start, and nothing else since; VRRP_NEVER */
	uint32_t config_hash;
	uint8_t table;                             /* enum vrrp_table */
	uint8_t parts, parts_heard[UINT8_MAX + 1]; /* which of its parts came since its start */
	struct vrrp_said_word words[VRRP_INSTANCES_MAX];
	size_t word_count;
};

enum vrrp_said_what {
	VRRP_SAID_NEWS,     /* something newer about a unit */
	VRRP_SAID_NOTHING,  /* another path was quicker; the path is alive */
	VRRP_SAID_OUTDATED, /* of a start that is over: nothing was changed */
};

void vrrp_said_init(struct vrrp_said *said, size_t path_count, int64_t timeout_ns, int64_t now);

/* A beacon that came by that path. *restarted: it is of another start than the one before. */
enum vrrp_said_what vrrp_said_beacon(
	struct vrrp_said *said, size_t path, const struct vrrp_beacon *beacon, int64_t now, bool *restarted);

/* For so long, until now, we did not listen: that is not held against the peer. */
void vrrp_said_forgive(struct vrrp_said *said, int64_t ns, int64_t now);

/* Something came by that path, by any, within the timeout. */
bool vrrp_said_path_is_fresh(const struct vrrp_said *said, size_t path, int64_t now);
bool vrrp_said_is_fresh(const struct vrrp_said *said, int64_t now);
/* When the first of the fresh paths falls silent; VRRP_NEVER: none is fresh. */
int64_t vrrp_said_deadline(const struct vrrp_said *said, int64_t now);

/* Its last word of a unit within the timeout, and when it came. NOT_YET: it may come, for not all parts of its beacons
 * were heard since its start. NO_MORE: its last word is too old, and nothing newer came that does not name the unit. */
enum vrrp_said_of { VRRP_SAID_NOT_YET, VRRP_SAID_DOES_NOT, VRRP_SAID_NO_MORE, VRRP_SAID_NAMES_IT };
enum vrrp_said_of vrrp_said_unit(const struct vrrp_said *said, uint64_t name_hash, int64_t now,
	struct vrrp_beacon_unit *out, int64_t *heard_at);

/* Does its last word of a unit, however old, name that as the address it advertises from? */
bool vrrp_said_is_source(const struct vrrp_said *said, uint64_t name_hash, const uint8_t source[16]);

/* The peer's part of the facts for a unit of ours: paired, peer_*, peer; and begun_ns, which has to be there, is no longer
 * than we listen. */
void vrrp_said_facts(const struct vrrp_said *said, uint64_t name_hash, const struct vrrp_fsm *fsm,
	int64_t now, struct vrrp_facts *facts);

#endif
