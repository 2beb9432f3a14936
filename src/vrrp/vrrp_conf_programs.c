/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vrrp/vrrp_conf_programs.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vrrp/vrrp_exec.h"

struct looking {
	void (*warn)(void *data, const char *line);
	void *data;
	const struct vrrp_command *last; /* that was looked at */
};

static void say(struct looking *l, const char *where, const char *what, const char *so)
{
	char line[VRRP_PROGRAM_WARNING_MAX];

	snprintf(line, sizeof(line), "warning: %s: %s; until then %s", where, what, so);
	l->warn(l->data, line);
}

static void look(struct looking *l, const struct vrrp_command *command, const char *where, const char *so)
{
	const struct vrrp_command *last = l->last;
	char what[700];
	int rc;

	if (!command->argv[0])
		return;
	l->last = command;
	if (last && strcmp(last->argv[0], command->argv[0]) == 0 && strcmp(last->user, command->user) == 0)
		return;
	rc = vrrp_exec_check(command->argv[0], what, sizeof(what));
	/* Who may not look there does not know what root will find. */
	if (rc && (rc != -EACCES || geteuid() == 0))
		say(l, where, what, so);
	if (!command->user[0] || getpwnam(command->user))
		return;
	snprintf(what, sizeof(what), "%.200s: no user '%s'", command->argv[0], command->user);
	say(l, where, what, so);
}

static void look_at_tracks(
	struct looking *l, const char *kind, const char *name, const struct vrrp_track *tracks, size_t count)
{
	char where[VRRP_NAME_MAX + 32];

	snprintf(where, sizeof(where), "script of %s '%s'", kind, name);
	for (size_t i = 0; i < count; i++)
		if (tracks[i].kind == VRRP_TRACK_SCRIPT)
			look(l, &tracks[i].script, where, "it counts as bad");
}

void vrrp_conf_programs_warn(
	const struct vrrp_model *model, void (*warn)(void *data, const char *line), void *data)
{
	struct looking l = {.warn = warn, .data = data};

	look(&l, &model->notify, "notify of vrrp", "nobody is told of transitions");
	for (size_t i = 0; i < model->instance_count; i++)
		look_at_tracks(&l, "instance", model->instances[i].name, model->instances[i].tracks,
			model->instances[i].track_count);
	for (size_t i = 0; i < model->unit_count; i++)
		if (model->units[i].is_group)
			look_at_tracks(&l, "group", model->units[i].name, model->units[i].tracks,
				model->units[i].track_count);
}
