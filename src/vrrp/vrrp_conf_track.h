/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The config's tracks and commands: what an instance or group looks at, what is run. Part of vrrp_conf; whether a program
 * may be run, and whether a user exists, is found out where it is started (vrrp_exec).
 */
#ifndef TANDEM_VRRP_CONF_TRACK_H
#define TANDEM_VRRP_CONF_TRACK_H

#include <stddef.h>

#include "common/conf.h"
#include "vrrp/vrrp_model.h"

/*
 * Copy the words of `list` (a CONF_TEXTS of 1..VRRP_ARGS_MAX, or NULL: no command) and the user (may be NULL) of a group,
 * `key` and "user" there, into *out, whose strings the caller frees by the model. out->timeout_ms is left alone. 0 also
 * when errors were added; -ENOMEM.
 */
int vrrp_conf_command(const struct conf *conf, const config_setting_t *group, const char *key,
	const config_setting_t *list, const char *user, const char *where, struct vrrp_command *out);

/* Read a list of tracks (NULL: none) of `where` ("instance 'front'") into *out, allocated, with *count of them: also when
 * errors were added, and what was read when it is out of memory. 0 or -ENOMEM. */
int vrrp_conf_tracks(const struct conf *conf, const config_setting_t *list, const char *where,
	struct vrrp_track **out, size_t *count);

#endif
