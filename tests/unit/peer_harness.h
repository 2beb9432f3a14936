/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ends of a pair, a and b, in one loop, over two paths of a namespace's loopback: 127.0.0.2 to .3, and fd0a::1 to fd0a::2.
 * Silence is longer than a pause that is forgiven, for a machine that is busy stops both ends at a time.
 */
#ifndef TANDEM_TESTS_PEER_HARNESS_H
#define TANDEM_TESTS_PEER_HARNESS_H

#include "vrrp_netns.h"

#include "vrrp/vrrp_fsm.h"
#include "vrrp/vrrp_peer.h"

#define MS       INT64_C(1000000)
#define PORT     3780
#define INTERVAL 100 /* ms */
#define TIMEOUT  400

struct end {
	const char *name, *other;
	bool reversed; /* the second of each pair of addresses is ours */
	struct vrrp_peer *peer;
	size_t units;
	enum vrrp_state state; /* of all units */
	char told[4096];       /* "path up; peer heard; " */
	int64_t told_at;       /* the last time */
	int heard, heard_when_told;
};

extern struct end a, b;
extern struct vrrp_timers *timers;
extern char a_keys[64], b_keys[64]; /* files */
extern const struct vrrp_peer_ops peer_ops;

/* Of the group: the namespace's addresses, key files, timers. */
int set_up(void **state);
int tear_down(void **state);

struct conf_peer model_of(const struct end *end, size_t paths, uint32_t interval_ms);
void begin(struct end *end, uint32_t interval_ms);
void begin_both(void); /* all paths are up then */
/* The same with beacons so far apart that what comes comes of something else. */
void begin_slow(void);
void stop(struct end *end);
int stop_both(void **state); /* of a test */

const char *unit_name(size_t i);
/* The last word about unit i that this end has. */
enum vrrp_said_of word(const struct end *end, size_t i, struct vrrp_beacon_unit *out);

bool is_fresh(const struct end *end);
bool is_up(const struct end *end, size_t path);
bool all_up(void *data); /* for until() */
bool a_was_told(void *event);
uint64_t verdicts(const struct end *end, size_t path, enum secure_verdict verdict);

/* A key file with a key for each digit. */
void write_keys(const char *path, const char *digits);

#endif
