/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The config file to an lb_model: docs/CONFIG.md's nodes, pools, services, dataplane and peer. All or nothing: a
 * file with one mistake yields an empty model and every mistake's line.
 */
#ifndef TANDEM_LB_CONF_H
#define TANDEM_LB_CONF_H

#include <stddef.h>

#include "common/conf_error.h"
#include "lb/lb_model.h"

/*
 * Load a file into *out, which is overwritten, and owned by the caller afterwards (lb_model_clear()). node is
 * this node's name as given with -n, or NULL for the hostname; it counts only when the file has nodes. 0;
 * -EINVAL with at least one line in errors (initialised here, ordered by line), or -ENOMEM (errors has a line
 * too).
 */
int lb_conf_load(const char *path, const char *node, struct lb_model *out, struct conf_errors *errors);

/* The same from bytes in memory; name is what errors call them, and @include is refused. */
int lb_conf_load_memory(const char *name, const void *buf, size_t len, const char *node, struct lb_model *out,
	struct conf_errors *errors);

#endif
