/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kinds of tracks and the set that holds them (vrrp_track.c) know of each other. For vrrp_track*.c only. */
#ifndef TANDEM_VRRP_TRACK_KIND_H
#define TANDEM_VRRP_TRACK_KIND_H

#include "vrrp/vrrp_track.h"

/* One track of a set. The track's script has no words here: the kind has its vrrp_program. */
struct vrrp_watched {
	struct vrrp_tracks *set;
	struct vrrp_track track; /* file is owned */
	struct vrrp_priority_term *term;
	void *watch; /* the kind's own; NULL: none */
};

/* What a kind saw. number counts for files only. Calls the set's owner when something is new. */
void vrrp_track_tell(struct vrrp_watched *watched, bool good, int32_t number, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

const struct vrrp_tracks_env *vrrp_track_env(const struct vrrp_watched *watched);

/* Seconds until something of that interval is done for the first time: random, at most limit_s, so that a hundred of them
 * don't all begin at once. */
double vrrp_track_phase(uint32_t interval_ms, double limit_s);

/* Each open sets watched->watch; 0 or -errno. Each close takes NULL. */
int vrrp_watch_script(struct vrrp_watched *watched, const struct vrrp_command *script);
void vrrp_unwatch_script(void *watch);
int vrrp_watch_file(struct vrrp_watched *watched);
void vrrp_unwatch_file(void *watch);
int vrrp_watch_pool(struct vrrp_watched *watched);
void vrrp_unwatch_pool(void *watch);

/* What a tracked file says: one decimal number, clamped to -254..254, white space around it. False: it says none. Pure. */
bool vrrp_track_file_number(const char *buf, size_t len, int32_t *number);

#endif
