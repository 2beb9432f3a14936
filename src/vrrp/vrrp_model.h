/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the operator asked of the speaker: instances, groups, what they track, whom they notify, as the config file
 * says it (docs/CONFIG.md, vrrp). Pure data with value semantics, no runtime state. vrrp_conf fills it,
 * vrrp_speaker compares two of them.
 *
 * What moves together is a unit: a group with all its members, or an instance that is in no group. A unit has one
 * state machine, so its members cannot come apart.
 */
#ifndef TANDEM_VRRP_MODEL_H
#define TANDEM_VRRP_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/conf_peer.h"

#define VRRP_NAME_MAX        63   /* characters in a name, NUL not counted */
#define VRRP_INSTANCES_MAX   512  /* two families of 255 are one instance each */
#define VRRP_ADDRESSES_MAX   255  /* of one family in an instance: the packet's count has 8 bits */
#define VRRP_ADDRESSES_TOTAL 4096 /* of all instances */
#define VRRP_PEERS_MAX       16
#define VRRP_TRACKS_MAX      16 /* of one instance or group */
#define VRRP_WITNESSES_MAX   8
#define VRRP_PATHS_MAX       CONF_PEER_PATHS_MAX
#define VRRP_ARGS_MAX        16 /* words of a command */
#define VRRP_PRIORITY_OWNER  255
#define VRRP_IFNAME_SIZE     16 /* IFNAMSIZ */

enum vrrp_checksum {
	VRRP_CHECKSUM_LEGACY,  /* VRRPv3 over IPv4 with pseudo-header, as keepalived and FRR do */
	VRRP_CHECKSUM_RFC9568, /* message only */
};

struct vrrp_address {
	struct net_addr addr;
	uint8_t prefix; /* 1..32 or 1..128 */
};

/* A program to run, without a shell. */
struct vrrp_command {
	char *argv[VRRP_ARGS_MAX +
		   1]; /* owned; NULL after the last; argv[0] is an absolute path; [0] NULL: none */
	char user[VRRP_NAME_MAX + 1]; /* who runs it; "" is root */
	uint32_t timeout_ms;          /* 10..60000; then it is killed */
};

enum vrrp_track_kind { VRRP_TRACK_INTERFACE, VRRP_TRACK_SCRIPT, VRRP_TRACK_FILE, VRRP_TRACK_POOL };

/*
 * Something a unit looks at. weight 0: fault (the unit leaves) while it is bad. weight > 0: added to the priority while
 * it is good; weight < 0: added (so lowers it) while it is bad. A file's number times the weight is added; with weight 0
 * a number other than 0 is the fault; a file that is missing or says no number counts as 0 and says so.
 */
struct vrrp_track {
	enum vrrp_track_kind kind;
	int16_t weight;                   /* -253..253, default 0 */
	char interface[VRRP_IFNAME_SIZE]; /* INTERFACE: exists, is up and has carrier */
	struct vrrp_command
		script; /* SCRIPT: exit status 0 is good; timeout_ms default interval_ms, at most that */
	uint32_t interval_ms;         /* SCRIPT 100..3600000, default 1000; POOL likewise */
	uint8_t rise, fall;           /* SCRIPT: results in a row until it is believed, 1..100, default 1 */
	char *file;                   /* FILE: absolute path; owned */
	char pool[VRRP_NAME_MAX + 1]; /* POOL: of tandem-lb, which answers on RUNDIR/lb.sock */
	uint32_t min_backends;        /* POOL: good with at least that many up, 1..256, default 1 */
};

/* Addresses on the link of an instance that are pinged: a gateway, a switch. */
struct vrrp_witness_model {
	struct net_addr addresses[VRRP_WITNESSES_MAX];
	size_t count;         /* 0: none */
	uint32_t interval_ms; /* 10..60000, default 200 */
	uint8_t rise,
		fall; /* answers, and misses, in a row until it is believed: 1..100, default 2; 2..100, default 3 */
};

struct vrrp_instance {
	char name[VRRP_NAME_MAX + 1];
	char interface[VRRP_IFNAME_SIZE];
	uint8_t vrid;     /* 1..255; unique on its interface for each family it has */
	uint8_t version;  /* 3 (default) or 2; 2 has IPv4 only */
	uint8_t priority; /* 1..255: its own, else the node's, else 100 */
	uint32_t
		interval_ms; /* advert_interval_ms: v3 10..40950 in steps of 10, v2 1000..255000 in steps of 1000; 1000 */
	bool preempt;              /* default true */
	uint32_t preempt_delay_ms; /* 0..3600000, default 0 */
	bool accept;      /* default true: packets to the addresses reach this host (RFC 9568: false) */
	bool virtual_mac; /* default false */
	enum vrrp_checksum checksum;    /* what is sent; v3 over IPv4 only */
	struct vrrp_address *addresses; /* owned; IPv4 first, then IPv6, each family in the file's order */
	size_t ipv4_count, ipv6_count;  /* at least one of them > 0 */
	struct net_addr peers
		[VRRP_PEERS_MAX]; /* none: multicast; else adverts go to each of the family, and come from them only */
	size_t peer_count;
	struct net_addr source_ipv4,
		source_ipv6;           /* AF_UNSPEC: the interface's primary, or link-local, address */
	uint8_t announce_count;        /* announcements after a takeover, 1..60, default 5 */
	uint32_t announce_interval_ms; /* between them, 10..60000, default 500 */
	uint32_t
		announce_refresh_s; /* while active: a winner that its opponent never told of the conflict is found all the same;
					  0 = never..86400, default 60 */
	struct vrrp_track *tracks; /* owned */
	size_t track_count;
	struct vrrp_witness_model witness;
	size_t unit; /* index into vrrp_model.units */
};

struct vrrp_unit_model {
	char name[VRRP_NAME_MAX + 1]; /* the group's, or the instance's that is alone */
	bool is_group;
	size_t *members; /* owned; indexes into instances, in the group's order; all of the same version, priority,
			    interval, preempt, delay and announce_*: what the one state machine has once */
	size_t member_count;
	struct vrrp_track *tracks; /* owned: the group's own */
	size_t track_count;
};

struct vrrp_model {
	char node[VRRP_NAME_MAX + 1];    /* "" for a single node */
	struct vrrp_instance *instances; /* owned */
	size_t instance_count;
	struct vrrp_unit_model *units; /* owned */
	size_t unit_count;
	struct conf_peer peer; /* with the times that follow from the advert intervals when it gives none */
	struct vrrp_command notify; /* argv[0] NULL: none */
	bool realtime;              /* default true: SCHED_FIFO and locked memory when permitted */
	bool resume;                /* default false: a restart within the down time goes on as Active */
};

/* Free what the model owns and zero it; the struct itself is the caller's. */
void vrrp_model_clear(struct vrrp_model *model);

/* Index of the instance or unit with that name; -1 when there is none. */
long vrrp_model_find_instance(const struct vrrp_model *model, const char *name);
long vrrp_model_find_unit(const struct vrrp_model *model, const char *name);

/* Do two tracks, commands, instances say the same? An instance's unit, an index into its model, is not compared. */
bool vrrp_command_equal(const struct vrrp_command *a, const struct vrrp_command *b);
bool vrrp_track_equal(const struct vrrp_track *a, const struct vrrp_track *b);
bool vrrp_witness_equal(const struct vrrp_witness_model *a, const struct vrrp_witness_model *b);
bool vrrp_instance_equal(const struct vrrp_instance *a, const struct vrrp_instance *b);

/* A number over what both nodes of a pair must have alike: of each instance the name, virtual router, version, interval and
 * addresses; of each group the name and members. The order in the file does not count, but that of a group's members. */
uint32_t vrrp_model_hash(const struct vrrp_model *model);

/* "interface eth1", "script /usr/lib/x", "file /run/x", "pool kv": how a track is called in status and events, as text
 * for one line and for JSON (common/clean_text.h); into buf (size bytes, 16 at least), returns buf. */
const char *vrrp_track_label(const struct vrrp_track *track, char *buf, size_t size);

#endif
