/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_pace.h"

bool lb_pace_change(struct lb_pace *pace, uint64_t now_ms)
{
	if (pace->ends_ms && now_ms < pace->ends_ms) {
		pace->waiting = true;
		return false;
	}
	pace->ends_ms = now_ms + pace->span_ms;
	pace->waiting = false;
	return true;
}

bool lb_pace_due(struct lb_pace *pace, uint64_t now_ms)
{
	if (!pace->ends_ms || now_ms < pace->ends_ms)
		return false;
	pace->ends_ms = pace->waiting ? now_ms + pace->span_ms : 0;
	if (!pace->waiting)
		return false;
	pace->waiting = false;
	return true;
}
