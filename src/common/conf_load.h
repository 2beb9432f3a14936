/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a config file to a daemon's model: open, read, and what an error leaves behind. */
#ifndef TANDEM_COMMON_CONF_LOAD_H
#define TANDEM_COMMON_CONF_LOAD_H

#include "common/conf.h"

/* Reads the tree into what is the caller's. 0, -ENOMEM, or another -errno; what is wrong with the file becomes errors. */
typedef int conf_load_fn(const struct conf *conf, const struct conf_errors *errors, void *ctx);

/*
 * Open a file, or bytes in memory under that name (@include is refused there), and read it. 0; -EINVAL with at least one
 * error, sorted by place; -ENOMEM; or what `read` returned. The errors are begun anew.
 */
int conf_load(const char *path, conf_load_fn *read, void *ctx, struct conf_errors *errors);
int conf_load_memory(const char *name, const void *buf, size_t len, conf_load_fn *read, void *ctx,
	struct conf_errors *errors);

#endif
