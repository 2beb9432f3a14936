/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notify hook: one program for all transitions, one run at a time, in the order of the transitions, never waited for.
 * What comes while it runs queues up (bounded: the oldest goes and is counted, the newest of each unit never does).
 */
#ifndef TANDEM_VRRP_NOTIFY_H
#define TANDEM_VRRP_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_model.h"

#define VRRP_NOTIFY_WAITING_MAX (2 * VRRP_INSTANCES_MAX) /* more than there are units */

struct ev_loop;
struct vrrp_notify;

struct vrrp_notice {
	char unit[VRRP_NAME_MAX + 1];
	const char *kind;      /* "group" or "instance"; static */
	const char *from, *to; /* names of states; static */
	char cause[256];
	uint8_t priority; /* effective */
	uint64_t time_ms; /* wall clock, ms since 1970 */
	uint64_t seq;     /* number of the event in the event stream */
};

/* command->argv[0] NULL: nothing is ever run. loop is the default one. 0 or -ENOMEM. */
int vrrp_notify_open(struct vrrp_notify **out, struct ev_loop *loop, const struct vrrp_command *command);

/* Another hook from now on (reload); what waits is run with the new one, or skipped when there is none. 0 or -ENOMEM: the
 * old one stays. */
int vrrp_notify_set(struct vrrp_notify *notify, const struct vrrp_command *command);

/*
 * Run `command... KIND NAME STATE PRIORITY` (KIND instance or group, STATE the new state's name) with the environment
 * TANDEM_FROM, TANDEM_TO, TANDEM_CAUSE, TANDEM_TIME_MS, TANDEM_SEQ, after those before it. Copies the notice.
 */
void vrrp_notify_push(struct vrrp_notify *notify, const struct vrrp_notice *notice);

struct vrrp_notify_counters {
	uint64_t run;       /* ended with exit status 0 */
	uint64_t failed;    /* another status, a signal, or it could not be started */
	uint64_t timed_out; /* killed after the command's timeout */
	uint64_t skipped;   /* never run: too many waited, or the hook was taken out of the config */
	size_t waiting;     /* the one that runs not counted */
};
void vrrp_notify_read(const struct vrrp_notify *notify, struct vrrp_notify_counters *out);

/* Is nothing running and nothing waiting? At the end of the program the caller waits for that, for a time. */
bool vrrp_notify_idle(const struct vrrp_notify *notify);
/* Kills the one that runs. NULL is fine. */
void vrrp_notify_close(struct vrrp_notify *notify);

#endif
