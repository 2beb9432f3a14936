/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The config file to a vrrp_model: docs/CONFIG.md's nodes and vrrp. All or nothing: a file with one mistake yields an
 * empty model and every mistake's line. What the balancer reads is left to lb_conf.
 */
#ifndef TANDEM_VRRP_CONF_H
#define TANDEM_VRRP_CONF_H

#include <stddef.h>

#include "common/conf_error.h"
#include "vrrp/vrrp_model.h"

/*
 * Load a file into *out, which is overwritten, and owned by the caller afterwards (vrrp_model_clear()). node is this
 * node's name as given with -n, or NULL for the hostname; it counts only when the file has nodes. 0; -ENODATA for a
 * good file without a vrrp section; -EINVAL with at least one line in errors (initialised here, ordered by line), or
 * -ENOMEM (errors has a line too).
 */
int vrrp_conf_load(const char *path, const char *node, struct vrrp_model *out, struct conf_errors *errors);

/* The same from bytes in memory; name is what errors call them, and @include is refused. */
int vrrp_conf_load_memory(const char *name, const void *buf, size_t len, const char *node,
	struct vrrp_model *out, struct conf_errors *errors);

#endif
