/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rise and fall: what one backend's probe results say about it. The probe reports, this judges, the
 * caller acts.
 *
 *   CHECKING  nothing is known yet; the backend is not used.
 *             The first success makes it UP: after a start a good backend serves within one probe, not
 *             after rise of them. The first failure makes it DOWN: it was not in use, so there is nothing to
 *             protect from a lost packet, and it now has to earn its place with rise successes.
 *   UP        fall failures in a row make it DOWN; a success in between starts the count again.
 *   DOWN      rise successes in a row make it UP; a failure in between starts the count again.
 *
 * rise and fall are arguments, so a reload that changes them keeps the state and the count; the new bound
 * holds from the next report. A fault of our own (no descriptors left, say) is no report at all: see
 * lb_probe.h.
 *
 * Pure: no I/O, no clock.
 */
#ifndef TANDEM_LB_LB_VERDICT_H
#define TANDEM_LB_LB_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

enum lb_verdict_state { LB_VERDICT_CHECKING, LB_VERDICT_UP, LB_VERDICT_DOWN };
enum lb_verdict_change { LB_VERDICT_SAME, LB_VERDICT_CAME_UP, LB_VERDICT_WENT_DOWN };

/* All zero is a backend of which nothing is known. */
struct lb_verdict {
	enum lb_verdict_state state;
	uint8_t streak; /* reports in a row that speak against the state */
};

/* Take one report; a rise or fall of 0 counts as 1. Returns whether the state changed, and how. */
enum lb_verdict_change lb_verdict_report(
	struct lb_verdict *verdict, bool success, uint8_t rise, uint8_t fall);

/* "checking", "up" or "down". */
const char *lb_verdict_state_name(enum lb_verdict_state state);

#endif
