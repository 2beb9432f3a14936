/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Can what a config runs (the notify hook, tracking scripts) be run on this machine, now? For who checks a config: no
 * mistake in the file, so a warning; a daemon starts without, and says it with the first run.
 */
#ifndef TANDEM_VRRP_CONF_PROGRAMS_H
#define TANDEM_VRRP_CONF_PROGRAMS_H

#include "vrrp/vrrp_model.h"

#define VRRP_PROGRAM_WARNING_MAX 1024

/* Calls warn with one line ("warning: ...", valid during the call) for each program that is missing, not executable, or not
 * root's alone (vrrp_exec_check()), or is to be run by a user whom nobody knows; once for a program that stands in the model
 * several times in a row. Looks at files and asks the name service, so it may wait for either. */
void vrrp_conf_programs_warn(
	const struct vrrp_model *model, void (*warn)(void *data, const char *line), void *data);

#endif
