/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a dead speaker left undone: its last words are said, its addresses and macvlans removed, as the ward has them.
 * Believes of a farewell only what decodes as an advert of priority 0.
 */
#ifndef TANDEM_VRRP_GUARD_CLEAN_H
#define TANDEM_VRRP_GUARD_CLEAN_H

#include <stdbool.h>
#include <stddef.h>

#include "vrrp/vrrp_ward.h"

struct vrrp_tx;

/* Opened before they are needed, and again when that failed. */
struct vrrp_guard_tools {
	struct vrrp_tx *tx;
};

/* Logs what cannot be opened. */
void vrrp_guard_tools_open(struct vrrp_guard_tools *tools);
void vrrp_guard_tools_close(struct vrrp_guard_tools *tools);

struct vrrp_guard_done {
	size_t done, failed;
	int error; /* -errno of the last one that failed */
};

/* alone: no speaker is alive that might write into the ward, so what is done is taken out of it. Neither logs. */

/* Send every farewell, now. Alone: forget them, and nobody may resume from here on (vrrp_ward_unsafe()). */
struct vrrp_guard_done vrrp_guard_say_farewell(
	struct vrrp_guard_tools *tools, struct vrrp_ward *ward, bool alone);

/* Remove every address that is held. Alone: macvlans too. */
struct vrrp_guard_done vrrp_guard_remove(struct vrrp_ward *ward, bool alone);

/* Is there anything that would have to be removed or said? */
bool vrrp_guard_is_needed(const struct vrrp_ward *ward);

#endif
