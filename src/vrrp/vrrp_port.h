/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The speaker's ears: one socket for each interface and family, and whose each vrid is. Part of vrrp_speaker. */
#ifndef TANDEM_VRRP_PORT_H
#define TANDEM_VRRP_PORT_H

#include "vrrp/vrrp_speaker.h"

/* Join the ports to the units of the config in force; ports that nobody wants any more are closed. */
void vrrp_port_assign(struct vrrp_speaker *speaker);

/* Open the sockets of interfaces that came, open anew those of interfaces that were made anew. 0, or -errno (logged) when one
 * could not be: try again. */
int vrrp_port_follow_links(struct vrrp_speaker *speaker);

void vrrp_port_close_all(struct vrrp_speaker *speaker);

#endif
