/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "common/conf_load.h"

static int load(struct conf *conf, int err, const char *name, conf_load_fn *read, void *ctx,
	struct conf_errors *errors)
{
	if (!err)
		err = read(conf, errors, ctx);
	if (err == -ENOMEM)
		conf_errors_add(errors, 0, "%s: out of memory while reading the config; free some", name);
	if (!err && errors->count)
		err = -EINVAL;
	conf_close(conf);
	conf_errors_sort(errors);
	return err;
}

int conf_load(const char *path, conf_load_fn *read, void *ctx, struct conf_errors *errors)
{
	struct conf *conf;
	int err;

	conf_errors_init(errors);
	err = conf_open(path, &conf, errors);
	return load(conf, err, path, read, ctx, errors);
}

int conf_load_memory(const char *name, const void *buf, size_t len, conf_load_fn *read, void *ctx,
	struct conf_errors *errors)
{
	struct conf *conf;
	int err;

	conf_errors_init(errors);
	err = conf_open_memory(name, buf, len, &conf, errors);
	return load(conf, err, name, read, ctx, errors);
}
