/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One schedule from its beginning to its end, or to the first invariant that breaks. */
#include "sim.h"

#include <stddef.h>
#include <string.h>

static void prepare(struct sim *sim, const struct sim_schedule *schedule, enum sim_plant plant, FILE *trace)
{
	/* The big arrays need no clearing. */
	memset(&sim->node, 0, sizeof(sim->node));
	if (schedule->is_pair)
		memset(&sim->peer, 0, sizeof(sim->peer));
	memset(sim->cut, 0, sizeof(*sim) - offsetof(struct sim, cut));
	sim->schedule = *schedule;
	sim->plant = plant;
	sim->trace = trace;
	sim->random = schedule->seed ^ UINT64_C(0x5851f42d4c957f2d);
	sim->now = 0;
	sim_net_init(sim);
	sim_check_init(sim);
	for (int n = 0; n < schedule->nodes; n++) {
		struct sim_node *node = &sim->node[n];

		node->config = schedule->speaker[n].config;
		node->running = true;
		node->obeyed_at = -1;
		node->told_at = -VRRP_NEVER / 2;
		vrrp_fsm_init(&node->fsm, &node->config);
		node->wake_at = schedule->speaker[n].start;
		sim_at(sim, node->wake_at, SIM_EV_WAKE, (uint16_t)n);
	}
	for (int i = 0; i < schedule->fault_count; i++) {
		sim_at(sim, schedule->fault[i].at, SIM_EV_FAULT, (uint16_t)i);
		if (schedule->fault[i].until)
			sim_at(sim, schedule->fault[i].until, SIM_EV_FAULT_END, (uint16_t)i);
	}
	sim_at(sim, schedule->end_at, SIM_EV_END, 0);
}

static void handle(struct sim *sim, const struct sim_event *event)
{
	switch ((enum sim_event_type)event->type) {
	case SIM_EV_PACKET:
		sim_net_arrive(sim, event->ref);
		break;
	case SIM_EV_WAKE:
		sim_node_wake(sim, event->ref);
		break;
	case SIM_EV_FAULT:
		sim_fault_begin(sim, event->ref);
		break;
	case SIM_EV_FAULT_END:
		sim_fault_end(sim, event->ref);
		break;
	case SIM_EV_STRANGER:
		sim_net_stranger(sim, event->ref);
		break;
	case SIM_EV_END:
		sim_check_end(sim);
		break;
	}
}

void sim_run(struct sim *sim, const struct sim_schedule *schedule, enum sim_plant plant, FILE *trace)
{
	struct sim_event event;

	prepare(sim, schedule, plant, trace);
	while (!sim->verdict.failed && sim_net_next(sim, &event)) {
		sim_check_time(sim, event.at);
		sim->now = event.at;
		handle(sim, &event);
		if (event.type == SIM_EV_END)
			break;
	}
}
