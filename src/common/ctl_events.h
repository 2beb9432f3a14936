/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command `events` of every daemon: what its event log has kept, as docs/CONTROL.md says. */
#ifndef TANDEM_COMMON_CTL_EVENTS_H
#define TANDEM_COMMON_CTL_EVENTS_H

#include "common/ctl_message.h"
#include "common/event_log.h"

/* Answer a request whose argument `since` may be the number of the last event that is known already. */
json_t *ctl_events_reply(const struct event_log *log, const struct ctl_request *request);

#endif
