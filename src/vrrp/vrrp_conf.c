/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of the vrrp section and the walk that fills a model by them. An instance is vrrp_conf_instance's, what must
 * hold between parts vrrp_conf_check's, the pools of tracks vrrp_conf_pools'. See vrrp_conf.h and docs/CONFIG.md.
 */
#include "vrrp/vrrp_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_load.h"
#include "common/conf_nodes.h"
#include "common/conf_peer_read.h"
#include "vrrp/vrrp_conf_check.h"
#include "vrrp/vrrp_conf_group.h"
#include "vrrp/vrrp_conf_instance.h"
#include "vrrp/vrrp_conf_peer.h"
#include "vrrp/vrrp_conf_pools.h"
#include "vrrp/vrrp_conf_track.h"

#define PRIORITY_DEFAULT 100

/* ---- the tables ---- */

struct raw_file {
	const config_setting_t *nodes, *vrrp, *peer;
};

/* In the order of the balancer's table, so that both say the same about a key that neither knows. */
static const struct conf_key file_keys[] = {
	CONF_NODES_KEY(struct raw_file, nodes),
	{.name = "pools", .type = CONF_ELSEWHERE},
	{.name = "services", .type = CONF_ELSEWHERE},
	{.name = "dataplane", .type = CONF_ELSEWHERE},
	{"vrrp", CONF_GROUP, false, CONF_AT(struct raw_file, vrrp)},
	{"peer", CONF_GROUP, false, CONF_AT(struct raw_file, peer)},
	{.name = "web", .type = CONF_UNSUPPORTED},
	{0},
};

struct raw_vrrp {
	bool realtime, resume;
	const config_setting_t *notify, *instances, *groups;
};

static const struct conf_key vrrp_keys[] = {
	{"realtime", CONF_BOOL, false, CONF_AT(struct raw_vrrp, realtime), 0, 0, true},
	{"resume", CONF_BOOL, false, CONF_AT(struct raw_vrrp, resume), 0, 0, false},
	{"notify", CONF_GROUP, false, CONF_AT(struct raw_vrrp, notify)},
	{"instances", CONF_GROUPS, true, CONF_AT(struct raw_vrrp, instances), 0, VRRP_INSTANCES_MAX},
	{"groups", CONF_GROUPS, false, CONF_AT(struct raw_vrrp, groups), 0, VRRP_INSTANCES_MAX},
	{0},
};

struct raw_notify {
	uint32_t timeout_ms;
	const config_setting_t *command;
	const char *user;
};

static const struct conf_key notify_keys[] = {
	{"command", CONF_TEXTS, true, CONF_AT(struct raw_notify, command), 1, VRRP_ARGS_MAX},
	{"user", CONF_TEXT, false, CONF_AT(struct raw_notify, user)},
	{"timeout_ms", CONF_INT, false, CONF_AT(struct raw_notify, timeout_ms), 10, 60000, 10000},
	{0},
};

/* ---- the section ---- */

static int read_notify(const struct conf *conf, const config_setting_t *group, struct vrrp_command *out)
{
	struct raw_notify raw;

	conf_read(conf, group, "notify of vrrp", notify_keys, &raw);
	out->timeout_ms = raw.timeout_ms;
	return vrrp_conf_command(conf, group, "command", raw.command, raw.user, "notify of vrrp", out);
}

static int read_instances(struct vrrp_conf_parts *parts, const struct conf_errors *errors, uint8_t priority)
{
	struct vrrp_model *model = parts->model;
	int err = 0;

	for (size_t i = 0; i < conf_length(parts->instances) && !err; i++) {
		struct vrrp_instance *instance = &model->instances[model->instance_count++];
		size_t before = errors->count;

		err = vrrp_conf_instance(
			parts->conf, conf_element(parts->instances, i), i, priority, instance);
		instance->unit = VRRP_CONF_ALONE;
		parts->sound[i] = errors->count == before;
	}
	return err;
}

static int read_parts(struct vrrp_conf_parts *parts, const struct conf_errors *errors, uint8_t priority)
{
	int err = read_instances(parts, errors, priority);

	if (!err)
		err = vrrp_conf_groups(parts);
	if (!err)
		err = vrrp_conf_check(parts);
	return err || errors->count ? err : vrrp_conf_units(parts);
}

static int read_vrrp(const struct conf *conf, const config_setting_t *group, uint8_t priority,
	struct vrrp_model *model, const struct conf_errors *errors)
{
	struct vrrp_conf_parts parts = {.conf = conf, .model = model};
	struct raw_vrrp raw;
	size_t instances, groups;
	int err;

	conf_read(conf, group, "vrrp", vrrp_keys, &raw);
	model->realtime = raw.realtime;
	model->resume = raw.resume;
	err = read_notify(conf, raw.notify, &model->notify);
	if (err)
		return err;
	parts.instances = raw.instances;
	parts.groups = raw.groups;
	parts.certain = raw.instances;
	instances = conf_length(raw.instances);
	groups = conf_length(raw.groups);
	parts.sound = calloc(instances + 1, sizeof(*parts.sound));
	parts.members = calloc(groups + 1, sizeof(*parts.members));
	model->instances = calloc(instances + 1, sizeof(*model->instances));
	model->units = calloc(instances + groups + 1, sizeof(*model->units));
	err = parts.sound && parts.members && model->instances && model->units
		      ? read_parts(&parts, errors, priority)
		      : -ENOMEM;
	free(parts.sound);
	free(parts.members);
	return err;
}

/* ---- the whole ---- */

_Static_assert(VRRP_NAME_MAX == CONF_NODE_NAME_MAX, "a node's name fits the model");

static int read_file(
	const struct conf *conf, const char *node, struct vrrp_model *model, const struct conf_errors *errors)
{
	uint8_t priority = PRIORITY_DEFAULT;
	const struct conf_node *self;
	struct conf_nodes nodes;
	struct raw_file raw;
	int err;

	conf_read(conf, conf_root(conf), "the file", file_keys, &raw);
	conf_nodes_read(conf, raw.nodes, node, &nodes);
	if (!raw.vrrp)
		return errors->count ? -EINVAL : -ENODATA;
	self = conf_nodes_self(&nodes);
	if (self) {
		memcpy(model->node, self->name, sizeof(model->node));
		priority = self->priority;
	}
	err = conf_peer_read(conf, raw.peer, &nodes, &model->peer);
	if (!err)
		err = read_vrrp(conf, raw.vrrp, priority, model, errors);
	vrrp_conf_pools(conf);
	return err || errors->count ? err : vrrp_conf_peer_check(conf, raw.peer, model);
}

struct reading {
	const char *node;
	struct vrrp_model *model;
};

static int read_it(const struct conf *conf, const struct conf_errors *errors, void *ctx)
{
	const struct reading *r = ctx;

	return read_file(conf, r->node, r->model, errors);
}

/* On an error the model is empty again. */
static int loaded(struct vrrp_model *model, int err)
{
	if (err)
		vrrp_model_clear(model);
	return err;
}

int vrrp_conf_load(const char *path, const char *node, struct vrrp_model *out, struct conf_errors *errors)
{
	struct reading reading = {.node = node, .model = out};

	memset(out, 0, sizeof(*out));
	return loaded(out, conf_load(path, read_it, &reading, errors));
}

int vrrp_conf_load_memory(const char *name, const void *buf, size_t len, const char *node,
	struct vrrp_model *out, struct conf_errors *errors)
{
	struct reading reading = {.node = node, .model = out};

	memset(out, 0, sizeof(*out));
	return loaded(out, conf_load_memory(name, buf, len, read_it, &reading, errors));
}
