/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tracks of one unit together, and those of interfaces, which need no watch of their own; see vrrp_track.h. */
#include "vrrp/vrrp_track.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clean_text.h"
#include "vrrp/vrrp_net.h"
#include "vrrp/vrrp_track_kind.h"

struct vrrp_tracks {
	struct vrrp_tracks_env env;
	char *rundir; /* owned */
	vrrp_tracks_fn *changed;
	void *data;
	bool opening;
	size_t count;
	struct vrrp_watched *watched;     /* owned, count of them, as are the terms */
	struct vrrp_priority_term *terms; /* in the order of the tracks */
};

const struct vrrp_tracks_env *vrrp_track_env(const struct vrrp_watched *watched)
{
	return &watched->set->env;
}

double vrrp_track_phase(uint32_t interval_ms, double limit_s)
{
	double most = interval_ms / 1e3;
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = (uint32_t)(uintptr_t)&random; /* early at boot: any number will do */
	return (most < limit_s ? most : limit_s) * (random / 4294967296.);
}

/* ---- observations ---- */

/* Take an observation; true when it is another than before. */
static bool observe(struct vrrp_priority_term *term, bool good, int32_t number, const char *detail)
{
	if (term->known && term->good == good && term->number == number && !strcmp(term->detail, detail))
		return false;
	term->known = true;
	term->good = good;
	term->number = number;
	snprintf(term->detail, sizeof(term->detail), "%s", detail);
	return true;
}

void vrrp_track_tell(struct vrrp_watched *watched, bool good, int32_t number, const char *fmt, ...)
{
	struct vrrp_tracks *set = watched->set;
	char text[1024], detail[VRRP_TERM_DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	clean_text(detail, sizeof(detail), text);
	if (observe(watched->term, good, number, detail) && !set->opening)
		set->changed(set->data);
}

static bool look_at_link(struct vrrp_watched *watched)
{
	const struct vrrp_link *link = vrrp_net_link(watched->set->env.net, watched->track.interface);

	if (!link)
		return observe(watched->term, false, 0, "no such interface");
	if (!link->up)
		return observe(watched->term, false, 0, "down");
	if (!link->carrier)
		return observe(watched->term, false, 0, "no carrier");
	return observe(watched->term, true, 0, "up");
}

void vrrp_tracks_links(struct vrrp_tracks *tracks)
{
	bool new = false;

	for (size_t i = 0; i < tracks->count; i++)
		if (tracks->watched[i].track.kind == VRRP_TRACK_INTERFACE)
			new |= look_at_link(&tracks->watched[i]);
	if (new)
		tracks->changed(tracks->data);
}

const struct vrrp_priority_term *vrrp_tracks_terms(const struct vrrp_tracks *tracks, size_t *count)
{
	*count = tracks->count;
	return tracks->terms;
}

/* ---- from set to set ---- */

/* Of several with one label (a program with other arguments) each has its place. */
static const struct vrrp_priority_term *find_same(
	const struct vrrp_tracks *before, const struct vrrp_tracks *tracks, size_t index)
{
	const char *label = tracks->terms[index].label;
	size_t place = 0;

	for (size_t i = 0; i < index; i++)
		place += strcmp(tracks->terms[i].label, label) == 0;
	for (size_t i = 0; i < before->count; i++)
		if (strcmp(before->terms[i].label, label) == 0 && place-- == 0)
			return &before->terms[i];
	return NULL;
}

void vrrp_tracks_inherit(struct vrrp_tracks *tracks, const struct vrrp_tracks *before)
{
	for (size_t i = 0; i < tracks->count; i++) {
		const struct vrrp_priority_term *same = find_same(before, tracks, i);

		if (same && same->known && !tracks->terms[i].known)
			observe(&tracks->terms[i], same->good, same->number, same->detail);
	}
}

/* ---- the set ---- */

static int watch(struct vrrp_tracks *set, size_t i, const struct vrrp_track *track)
{
	struct vrrp_watched *watched = &set->watched[i];
	struct vrrp_priority_term *term = &set->terms[i];

	watched->set = set;
	watched->term = term;
	watched->track = *track;
	watched->track.file = NULL;
	memset(watched->track.script.argv, 0, sizeof(watched->track.script.argv));
	term->kind = track->kind;
	term->weight = track->weight;
	vrrp_track_label(track, term->label, sizeof(term->label));
	switch (track->kind) {
	case VRRP_TRACK_INTERFACE:
		look_at_link(watched);
		return 0;
	case VRRP_TRACK_SCRIPT:
		return vrrp_watch_script(watched, &track->script);
	case VRRP_TRACK_FILE:
		watched->track.file = strdup(track->file);
		return watched->track.file ? vrrp_watch_file(watched) : -ENOMEM;
	case VRRP_TRACK_POOL:
		return vrrp_watch_pool(watched);
	}
	return -EINVAL;
}

static void unwatch(struct vrrp_watched *watched)
{
	switch (watched->track.kind) {
	case VRRP_TRACK_INTERFACE:
		break;
	case VRRP_TRACK_SCRIPT:
		vrrp_unwatch_script(watched->watch);
		break;
	case VRRP_TRACK_FILE:
		vrrp_unwatch_file(watched->watch);
		break;
	case VRRP_TRACK_POOL:
		vrrp_unwatch_pool(watched->watch);
		break;
	}
	free(watched->track.file);
}

int vrrp_tracks_open(struct vrrp_tracks **out, const struct vrrp_tracks_env *env,
	const struct vrrp_track *tracks, size_t count, vrrp_tracks_fn *changed, void *data)
{
	struct vrrp_tracks *set = calloc(1, sizeof(*set));
	int rc = 0;

	*out = NULL;
	if (!set)
		return -ENOMEM;
	set->env = *env;
	set->changed = changed;
	set->data = data;
	set->opening = true;
	set->env.rundir = set->rundir = strdup(env->rundir);
	set->watched = calloc(count ? count : 1, sizeof(*set->watched));
	set->terms = calloc(count ? count : 1, sizeof(*set->terms));
	if (!set->rundir || !set->watched || !set->terms)
		rc = -ENOMEM;
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = watch(set, i, &tracks[i]);
		set->count = i + 1;
	}
	if (rc) {
		vrrp_tracks_close(set);
		return rc;
	}
	set->opening = false;
	*out = set;
	return 0;
}

void vrrp_tracks_close(struct vrrp_tracks *tracks)
{
	if (!tracks)
		return;
	for (size_t i = 0; i < tracks->count; i++)
		unwatch(&tracks->watched[i]);
	free(tracks->watched);
	free(tracks->terms);
	free(tracks->rundir);
	free(tracks);
}
