/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The speaker's side of the control socket: docs/CONTROL.md, commands of tandem-vrrp. */
#ifndef TANDEM_VRRP_CTL_H
#define TANDEM_VRRP_CTL_H

#include "common/ctl_message.h"
#include "vrrp/vrrp_speaker.h"

struct vrrp_ctl {
	struct vrrp_speaker *speaker;
	const char *config;
	int64_t started_at, loaded_at; /* ns */
	const char *realtime;          /* "on", or why not */
	/* Load the config again; text says what happened. 0 or -errno. */
	int (*reload)(void *data, char *text, size_t size);
	void *data;
};

json_t *vrrp_ctl_handle(void *ctx, const struct ctl_request *request);

#endif
