/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ends the TCP connections of a backend that went down (on_backend_down = "reset"): dooms its flows, so that
 * the dataplane answers their next packet with RST to both sides, and makes each client send one
 * (lb_nudge.h). Works in slices of about a millisecond on the event loop, for all waiting backends in one
 * walk over the flows.
 *
 * Does not decide when a backend is down and removes no flow: aging does, when the doomed ones were reset.
 */
#ifndef TANDEM_LB_RESET_H
#define TANDEM_LB_RESET_H

#include <stdint.h>

#include <ev.h>

#include "lb/lb_bpf.h"

struct lb_reset;

/* loop and bpf are the caller's and must outlive it. Without CAP_NET_RAW clients are not nudged (logged
 * once). 0, -ENOMEM. */
int lb_reset_open(struct lb_reset **out, struct ev_loop *loop, struct lb_bpf *bpf);

/*
 * Reset the flows of view.backends[backend]. Only those of an older epoch than the entry's: let the epoch
 * grow first, then flows that the backend gets after it came back are never hit. Cheap; the work is done
 * later in the loop.
 */
void lb_reset_backend(struct lb_reset *reset, uint16_t backend);

/* Stop and free; what was not reached yet stays as it is. NULL is allowed. */
void lb_reset_close(struct lb_reset *reset);

#endif
