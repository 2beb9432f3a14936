/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tandem-lb answers when it is asked for the backends of a pool: bytes -> counts. Pure. docs/CONTROL.md, backends. */
#ifndef TANDEM_VRRP_POOL_ANSWER_H
#define TANDEM_VRRP_POOL_ANSWER_H

#include <stddef.h>
#include <stdint.h>

#define VRRP_POOL_ANSWER_MAX (1u << 20) /* bytes of a body that is read: 256 backends need a quarter of it */

enum vrrp_pool_answer_kind {
	VRRP_POOL_COUNTED,
	VRRP_POOL_MISSING, /* tandem-lb has no such pool */
	VRRP_POOL_REFUSED, /* it said no for another reason, or what came is no answer */
};

struct vrrp_pool_answer {
	enum vrrp_pool_answer_kind kind;
	unsigned up, total; /* COUNTED: backends; up by their check and not disabled, drained ones too */
	char why[160];      /* REFUSED: one clean line */
};

/* Read the body of a reply; believes nothing. */
void vrrp_pool_answer_read(const uint8_t *body, size_t len, const char *pool, struct vrrp_pool_answer *out);

#endif
