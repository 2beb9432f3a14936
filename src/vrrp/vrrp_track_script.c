/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tracks of scripts: run again and again, from start to start, never two at once; exit status 0 is good, everything else,
 * a timeout too, is bad. `rise` good ones or `fall` bad ones in a row are believed, before that the last judgement
 * stands, and before the first it is unknown.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <ev.h>

#include "vrrp/vrrp_exec.h"
#include "vrrp/vrrp_track_kind.h"

#define FIRST_RUN_S .5 /* at most, after open */

struct watch {
	struct vrrp_watched *watched;
	struct vrrp_program *program;
	struct vrrp_exec *exec; /* NULL: not running */
	ev_timer tick;
	bool late;      /* was due while the one before was still there */
	bool last_good; /* what came in a row: results of this kind */
	unsigned row;
};

static void run(struct watch *watch);

static void on_result(struct watch *watch, bool good, const char *text)
{
	struct vrrp_watched *watched = watch->watched;
	const struct vrrp_priority_term *term = watched->term;
	unsigned wanted = good ? watched->track.rise : watched->track.fall;

	watch->row = watch->row && watch->last_good == good ? watch->row + (watch->row < UINT8_MAX) : 1;
	watch->last_good = good;
	if (watch->row >= wanted)
		vrrp_track_tell(watched, good, 0, "%s", text);
	else if (term->known && term->good != good)
		vrrp_track_tell(watched, term->good, 0, "%s, %u of %u in a row", text, watch->row, wanted);
}

static void on_done(void *data, int status, const char *text)
{
	struct watch *watch = data;

	watch->exec = NULL;
	on_result(watch, status == 0, text);
	if (watch->late)
		run(watch);
}

static void run(struct watch *watch)
{
	char error[256];

	watch->late = false;
	if (vrrp_exec_start(&watch->exec, vrrp_track_env(watch->watched)->loop, watch->program, NULL, NULL,
		    on_done, watch, error, sizeof(error)))
		on_result(watch, false, error);
}

static void on_tick(struct ev_loop *loop, ev_timer *w, int events)
{
	struct watch *watch = w->data;

	/* After a pause of this loop what has ended meanwhile is heard before the next one is due. */
	ev_timer_again(loop, w);
	if (!watch->exec)
		run(watch);
	else if (watch->late && vrrp_exec_is_overdue(watch->exec))
		on_result(watch, false, "killed, but it does not end");
	else
		watch->late = true; /* with timeout = interval it is being killed right now */
}

int vrrp_watch_script(struct vrrp_watched *watched, const struct vrrp_command *script)
{
	struct watch *watch = calloc(1, sizeof(*watch));
	uint32_t interval_ms = watched->track.interval_ms;

	watched->watch = watch;
	if (!watch || vrrp_program_make(&watch->program, script))
		return -ENOMEM;
	if (!watch->program)
		return -EINVAL;
	watch->watched = watched;
	ev_timer_init(&watch->tick, on_tick, vrrp_track_phase(interval_ms, FIRST_RUN_S), interval_ms / 1e3);
	watch->tick.data = watch;
	ev_timer_start(vrrp_track_env(watched)->loop, &watch->tick);
	return 0;
}

void vrrp_unwatch_script(void *data)
{
	struct watch *watch = data;

	if (!watch)
		return;
	vrrp_exec_kill(watch->exec);
	if (watch->watched)
		ev_timer_stop(vrrp_track_env(watch->watched)->loop, &watch->tick);
	vrrp_program_free(watch->program);
	free(watch);
}
