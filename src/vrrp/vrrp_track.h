/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a unit looks at: interfaces, scripts, files, pools of the balancer. The edge that observes; how the observations
 * make a priority or a fault is vrrp_priority's. Each kind has its file: vrrp_track_script.c, _file.c, _pool.c.
 */
#ifndef TANDEM_VRRP_TRACK_H
#define TANDEM_VRRP_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vrrp/vrrp_model.h"
#include "vrrp/vrrp_priority.h"

struct ev_loop;
struct vrrp_net;
struct vrrp_tracks;

struct vrrp_tracks_env {
	struct ev_loop *loop;       /* the default one */
	const struct vrrp_net *net; /* links */
	const char *rundir;         /* where lb-ro.sock is; copied */
};

/* Some observation changed: look at vrrp_tracks_terms() again. Not called from within open; may not close the tracks. */
typedef void vrrp_tracks_fn(void *data);

/* Observe; the tracks are copied. Interfaces and files have their value at once, scripts and pools are unknown until the
 * first answer. 0 or -errno. */
int vrrp_tracks_open(struct vrrp_tracks **out, const struct vrrp_tracks_env *env,
	const struct vrrp_track *tracks, size_t count, vrrp_tracks_fn *changed, void *data);
void vrrp_tracks_close(struct vrrp_tracks *tracks);

/* A reload: until there is an answer, what was seen last of the same thing is in force. */
void vrrp_tracks_inherit(struct vrrp_tracks *tracks, const struct vrrp_tracks *before);

/* A link came, changed or went, or a resync: interfaces are looked at again (calls changed only when one did). */
void vrrp_tracks_links(struct vrrp_tracks *tracks);

/* The observations, in the order of the tracks; valid until the loop runs again. */
const struct vrrp_priority_term *vrrp_tracks_terms(const struct vrrp_tracks *tracks, size_t *count);

#endif
