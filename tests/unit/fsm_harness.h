/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One state machine under test. Actions are compared as text: A100 an advert with priority 100, + acquire, - release,
 * N announce, B>A a transition.
 */
#ifndef TANDEM_TESTS_FSM_HARNESS_H
#define TANDEM_TESTS_FSM_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "vrrp/vrrp_fsm.h"

#define MS       INT64_C(1000000)
#define S        (1000 * MS)
#define SKEW_100 (156 * S / 256) /* priority 100, 1 s */
#define DOWN_100 (3 * S + SKEW_100)
#define TAKEOVER "A100 + N B>A" /* from nobody */
#define RELIEF   "+ A100 N B>A" /* from somebody who serves until the advert */
#define nothing  ""             /* happened */

extern struct vrrp_fsm f;
extern char done[256];                     /* the last actions */
extern const struct vrrp_fsm_config plain; /* version 3, priority 100, 1 s, preempts, one announcement */

/* Each returns the actions. */
const char *feed(const struct vrrp_event *event, int64_t now);
const char *step(enum vrrp_event_type type, int64_t now);
const char *hear(uint8_t priority, int64_t now); /* from a smaller address, on the leading virtual router */
const char *hear_on(uint8_t priority, int tie, bool leading, int64_t now);
const char *hear_interval(uint8_t priority, int64_t interval_ns, int64_t now);
/* Hear it on the leading virtual router, which does nothing but arm a timer for now; the actions of that timer. */
const char *answer_to(uint8_t priority, int tie, int64_t now);
const char *configure(const struct vrrp_fsm_config *config, int64_t now);

struct vrrp_fsm_config with_priority(uint8_t priority);
/* Make f a Backup since 0. */
void backup_of(const struct vrrp_fsm_config *config);
/* Make f Active; the time returned is late enough after its takeover for an answer at once. */
int64_t active_of(const struct vrrp_fsm_config *config);

#endif
