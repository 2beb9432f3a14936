/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Witnesses of an instance: addresses on its link (a gateway, say) that answer pings as long as the link is well. When the
 * adverts of the other node stop, they tell whether the other or we are cut off. Observes; vrrp_verdict judges.
 */
#ifndef TANDEM_VRRP_WITNESS_H
#define TANDEM_VRRP_WITNESS_H

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "vrrp/vrrp_beacon.h"
#include "vrrp/vrrp_model.h"

struct ev_loop;
struct vrrp_witnesses;

/* The state of the set, or of one of it, changed. Not called from within open; may not close it. */
typedef void vrrp_witness_fn(void *data);

/* Begin to ping the model's addresses by that interface. 0, or -errno (-EPERM: needs CAP_NET_RAW); an interface that is
 * not there yet is no error: its witnesses are unknown, then lost. */
int vrrp_witnesses_open(struct vrrp_witnesses **out, struct ev_loop *loop, const char *interface,
	const struct vrrp_witness_model *model, vrrp_witness_fn *changed, void *data);
void vrrp_witnesses_close(struct vrrp_witnesses *witnesses); /* NULL is fine */

/* REACHED when one answered what it was asked last, LOST when all are lost, else UNKNOWN: a witness that dies is missed by
 * both nodes before one of them has lost it, and neither claims to be better placed. */
enum vrrp_witness vrrp_witnesses_state(const struct vrrp_witnesses *witnesses);

/* Of witness i: its state, and how long its last answer took and is ago (ns; VRRP_NEVER without one). */
enum vrrp_witness vrrp_witnesses_of(
	const struct vrrp_witnesses *witnesses, size_t i, int64_t *took_ns, int64_t *answered_at);

const char *vrrp_witness_name(enum vrrp_witness state); /* "none", "unknown", "reached", "lost" */

#endif
