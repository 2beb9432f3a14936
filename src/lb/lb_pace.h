/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When to act on a burst of changes: on the first at once, on all that follow within a span together at its
 * end. Pure; time is the caller's, in ms of any steady clock.
 */
#ifndef TANDEM_LB_PACE_H
#define TANDEM_LB_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct lb_pace {
	uint64_t span_ms;
	uint64_t ends_ms; /* of the span that runs; 0 = none */
	bool waiting;     /* something changed in it */
};

/* Something changed. True: act now; false: lb_pace_due will say. Either way a span runs now, until ends_ms.
 */
bool lb_pace_change(struct lb_pace *pace, uint64_t now_ms);

/* Ask when ends_ms has come. True: act now, and a new span runs; false: nothing to do, none runs (ends_ms is
 * 0), or it is too early. */
bool lb_pace_due(struct lb_pace *pace, uint64_t now_ms);

#endif
