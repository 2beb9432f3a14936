/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between lb_probe.c, which decides when to ask, and the files that each know one way of asking. Nobody else
 * includes this.
 */
#ifndef TANDEM_LB_LB_PROBE_KIND_H
#define TANDEM_LB_LB_PROBE_KIND_H

#include "lb/lb_probe.h"

#define LB_PROBE_CAUSE_MAX 384

struct lb_probe_kind {
	void (*init)(struct lb_probe *probe);  /* once, prepares watchers */
	void (*begin)(struct lb_probe *probe); /* ask; may already end with one of the two calls below */
	void (*expire)(
		struct lb_probe *probe, char *cause); /* time is up: what for, LB_PROBE_CAUSE_MAX bytes */
	void (*end)(struct lb_probe *probe, bool ok); /* let go of what begin took, answered or not */
};

extern const struct lb_probe_kind lb_probe_tcp, lb_probe_ping;

/* End the probe with an answer. The probe may be gone when it returns: touch nothing after it. */
void lb_probe_finish(struct lb_probe *probe, bool ok, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* End the probe with what errno says: the backend's failure, or a fault of our own while `doing`. */
void lb_probe_finish_errno(struct lb_probe *probe, int err, const char *doing);

/* "no route to host": the system's text for an errno, starting in lower case. */
const char *lb_probe_errno_text(int err, char buf[64]);

#endif
