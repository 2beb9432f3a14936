/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_verdict.h"

static enum lb_verdict_change enter(struct lb_verdict *verdict, bool up)
{
	verdict->state = up ? LB_VERDICT_UP : LB_VERDICT_DOWN;
	verdict->streak = 0;
	return up ? LB_VERDICT_CAME_UP : LB_VERDICT_WENT_DOWN;
}

enum lb_verdict_change lb_verdict_report(struct lb_verdict *verdict, bool success, uint8_t rise, uint8_t fall)
{
	bool up = verdict->state == LB_VERDICT_UP;
	uint8_t needed = up ? fall : rise;

	if (verdict->state == LB_VERDICT_CHECKING)
		return enter(verdict, success);
	if (success == up) {
		verdict->streak = 0;
		return LB_VERDICT_SAME;
	}
	verdict->streak++; /* cannot wrap: needed is at most 255 */
	return verdict->streak >= needed ? enter(verdict, success) : LB_VERDICT_SAME;
}

const char *lb_verdict_state_name(enum lb_verdict_state state)
{
	switch (state) {
	case LB_VERDICT_UP:
		return "up";
	case LB_VERDICT_DOWN:
		return "down";
	default:
		return "checking";
	}
}
