/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names of states and causes, for people. Pure. */
#include "vrrp/vrrp_fsm.h"

const char *vrrp_state_name(enum vrrp_state state)
{
	static const char *const names[] = {"initialize", "backup", "active", "handover"};

	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *vrrp_cause_text(enum vrrp_cause cause)
{
	static const char *const texts[] = {
		[VRRP_CAUSE_NONE] = "none",
		[VRRP_CAUSE_STARTUP] = "started",
		[VRRP_CAUSE_OWNER] = "started as the owner of the addresses",
		[VRRP_CAUSE_RESUMED] = "was active a moment ago",
		[VRRP_CAUSE_SILENCE] = "no advert for the down interval",
		[VRRP_CAUSE_PEER_LEFT] = "the active node left",
		[VRRP_CAUSE_PREEMPTED] = "only lower priorities were heard",
		[VRRP_CAUSE_HIGHER_PRIORITY] = "a higher priority was heard",
		[VRRP_CAUSE_HIGHER_ADDRESS] = "an equal priority with a greater address was heard",
		[VRRP_CAUSE_REQUESTED] = "an operator asked for it",
		[VRRP_CAUSE_OFFERED] = "offered to the other nodes",
		[VRRP_CAUSE_ACCEPTED] = "another node took over",
		[VRRP_CAUSE_NOBODY] = "nobody took over",
		[VRRP_CAUSE_YIELDED] = "yielded to the other node",
		[VRRP_CAUSE_SHUTDOWN] = "shut down",
		[VRRP_CAUSE_INHERITED] = "a speaker died and left the addresses",
		[VRRP_CAUSE_STALLED] = "stood still for longer than its lease, and the peer took over",
	};

	return (size_t)cause < sizeof(texts) / sizeof(texts[0]) ? texts[cause] : "unknown";
}
