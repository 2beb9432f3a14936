/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session is made of: for sync_session.c, and for tests that plant bugs. */
#ifndef TANDEM_LB_SYNC_SESSION_INSIDE_H
#define TANDEM_LB_SYNC_SESSION_INSIDE_H

#include "lb/sync_session.h"

struct sync_session {
	uint64_t session, bad;
	struct sync_out out;
	struct sync_in in;
};

#endif
