/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables of the balancer's config keys, and the walk that fills a model by them. What must hold between
 * parts is lb_conf_check's. See lb_conf.h and docs/CONFIG.md.
 */
#include "lb/lb_conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/conf_load.h"
#include "common/conf_nodes.h"
#include "common/conf_peer_read.h"
#include "lb/lb_conf_check.h"
#include "lb/lb_escape.h"

#define REQUIRED true
#define OPTIONAL false

static const struct conf_choice schedulers[] = {
	{"rr", LB_RR},
	{"wrr", LB_WRR},
	{"lc", LB_LC},
	{"wlc", LB_WLC},
	{"sh", LB_SH},
	{"mh", LB_MH},
	{0},
};
static const struct conf_choice check_types[] = {
	{"none", LB_CHECK_NONE},
	{"tcp", LB_CHECK_TCP},
	{"ping", LB_CHECK_PING},
	{0},
};
static const struct conf_choice protocols[] = {{"tcp", LB_TCP}, {"udp", LB_UDP}, {0}};
static const struct conf_choice on_empties[] = {{"reject", LB_EMPTY_REJECT}, {"drop", LB_EMPTY_DROP}, {0}};
static const struct conf_choice on_downs[] = {{"keep", LB_DOWN_KEEP}, {"reset", LB_DOWN_RESET}, {0}};

/* ---- the tables: what a group may have; its struct has room for what needs a second step ---- */

struct raw_file {
	const config_setting_t *nodes, *pools, *services, *dataplane, *peer;
};

static const struct conf_key file_keys[] = {
	CONF_NODES_KEY(struct raw_file, nodes),
	{"pools", CONF_GROUPS, OPTIONAL, CONF_AT(struct raw_file, pools), 0, LB_POOLS_MAX},
	{"services", CONF_GROUPS, OPTIONAL, CONF_AT(struct raw_file, services), 0, LB_SERVICES_MAX},
	{"dataplane", CONF_GROUP, REQUIRED, CONF_AT(struct raw_file, dataplane)},
	{.name = "vrrp", .type = CONF_ELSEWHERE},
	{"peer", CONF_GROUP, OPTIONAL, CONF_AT(struct raw_file, peer)},
	{.name = "web", .type = CONF_UNSUPPORTED},
	{0},
};

struct raw_pool {
	struct lb_pool pool;
	const config_setting_t *sticky, *check, *backends;
};

static const struct conf_key pool_keys[] = {
	{"name", CONF_NAME, REQUIRED, CONF_AT(struct raw_pool, pool.name)},
	{"scheduler", CONF_CHOICE, OPTIONAL, CONF_AT(struct raw_pool, pool.scheduler), 0, 0, LB_WLC,
		schedulers},
	{"on_backend_down", CONF_CHOICE, OPTIONAL, CONF_AT(struct raw_pool, pool.on_backend_down), 0, 0,
		LB_DOWN_RESET, on_downs},
	{"sticky", CONF_GROUP, OPTIONAL, CONF_AT(struct raw_pool, sticky)},
	{"check", CONF_GROUP, OPTIONAL, CONF_AT(struct raw_pool, check)},
	{"backends", CONF_GROUPS, REQUIRED, CONF_AT(struct raw_pool, backends), 0, LB_POOL_BACKENDS_MAX},
	{0},
};

static const struct conf_key sticky_keys[] = {
	{"timeout_s", CONF_INT, OPTIONAL, CONF_AT(struct lb_sticky, timeout_s), 1, 604800, 1800},
	{"ipv4_prefix", CONF_INT, OPTIONAL, CONF_AT(struct lb_sticky, ipv4_prefix), 1, 32, 32},
	{"ipv6_prefix", CONF_INT, OPTIONAL, CONF_AT(struct lb_sticky, ipv6_prefix), 1, 128, 128},
	{0},
};

struct raw_check {
	struct lb_check check;
	const char *send, *expect;
};

#define CHECK_TIMEOUT_MS 500 /* the default, unless interval_ms is shorter */

static const struct conf_key check_keys[] = {
	{"type", CONF_CHOICE, REQUIRED, CONF_AT(struct raw_check, check.type), 0, 0, LB_CHECK_NONE,
		check_types},
	{"interval_ms", CONF_INT, OPTIONAL, CONF_AT(struct raw_check, check.interval_ms), 100, 3600000, 1000},
	{"timeout_ms", CONF_INT, OPTIONAL, CONF_AT(struct raw_check, check.timeout_ms), 10, 60000, 0},
	{"rise", CONF_INT, OPTIONAL, CONF_AT(struct raw_check, check.rise), 1, 100, 2},
	{"fall", CONF_INT, OPTIONAL, CONF_AT(struct raw_check, check.fall), 1, 100, 3},
	{"port", CONF_INT, OPTIONAL, CONF_AT(struct raw_check, check.port), 1, 65535, 0},
	{"send", CONF_TEXT, OPTIONAL, CONF_AT(struct raw_check, send)},
	{"expect", CONF_TEXT, OPTIONAL, CONF_AT(struct raw_check, expect)},
	{0},
};

static const struct conf_key backend_keys[] = {
	{"name", CONF_NAME, REQUIRED, CONF_AT(struct lb_backend, name)},
	{"address", CONF_ADDRESS, REQUIRED, CONF_AT(struct lb_backend, addr)},
	{"port", CONF_INT, REQUIRED, CONF_AT(struct lb_backend, port), 1, 65535},
	{"weight", CONF_INT, OPTIONAL, CONF_AT(struct lb_backend, weight), 0, LB_WEIGHT_MAX, 1},
	{"backup", CONF_BOOL, OPTIONAL, CONF_AT(struct lb_backend, backup)},
	{0},
};

struct raw_service {
	struct lb_service service;
	const char *pool;
};

static const struct conf_key service_keys[] = {
	{"name", CONF_NAME, REQUIRED, CONF_AT(struct raw_service, service.name)},
	{"address", CONF_ADDRESS, REQUIRED, CONF_AT(struct raw_service, service.addr)},
	{"port", CONF_INT, REQUIRED, CONF_AT(struct raw_service, service.port), 1, 65535},
	{"protocol", CONF_CHOICE, REQUIRED, CONF_AT(struct raw_service, service.protocol), 0, 0, 0,
		protocols},
	{"pool", CONF_TEXT, REQUIRED, CONF_AT(struct raw_service, pool)},
	{"on_empty", CONF_CHOICE, OPTIONAL, CONF_AT(struct raw_service, service.on_empty), 0, 0,
		LB_EMPTY_REJECT, on_empties},
	{"idle_timeout_s", CONF_INT, OPTIONAL, CONF_AT(struct raw_service, service.idle_timeout_s), 1, 864000,
		0},
	{0},
};

#define TCP_IDLE_S 7440 /* RFC 5382 REQ-5: 2 hours 4 minutes */
#define UDP_IDLE_S 120  /* RFC 4787 REQ-5: 2 minutes */

struct raw_dataplane {
	struct lb_dataplane dataplane;
	const config_setting_t *interfaces;
};

static const struct conf_key dataplane_keys[] = {
	{"interfaces", CONF_TEXTS, REQUIRED, CONF_AT(struct raw_dataplane, interfaces), 1, LB_INTERFACES_MAX},
	{"max_flows", CONF_INT, OPTIONAL, CONF_AT(struct raw_dataplane, dataplane.max_flows), 1024, 8388606,
		1048576},
	{"max_half_open", CONF_INT, OPTIONAL, CONF_AT(struct raw_dataplane, dataplane.max_half_open), 64,
		4194304, 0},
	{"max_services", CONF_INT, OPTIONAL, CONF_AT(struct raw_dataplane, dataplane.max_services), 16,
		LB_SERVICES_MAX, 4096},
	{"max_backends", CONF_INT, OPTIONAL, CONF_AT(struct raw_dataplane, dataplane.max_backends), 16,
		LB_BACKENDS_MAX, 4096},
	{"max_sticky", CONF_INT, OPTIONAL, CONF_AT(struct raw_dataplane, dataplane.max_sticky), 16, 4194304,
		65536},
	{0},
};

/* ---- pools ---- */

/* One of a check's texts, unescaped into memory of its own. */
static int read_check_text(const struct conf *conf, const config_setting_t *group, const char *where,
	const char *key, const char *text, uint8_t **out, size_t *out_len)
{
	const char *bad;
	uint8_t *bytes;
	long len;

	if (!text)
		return 0;
	bytes = malloc(strlen(text) + 1);
	if (!bytes)
		return -ENOMEM;
	len = lb_unescape(text, bytes, &bad);
	if (len < 0)
		conf_error(conf, group, key,
			"'%s' in %s has the escape '%.2s', which is none; "
			"give \\r \\n \\t \\0 \\\\ or \\xHH",
			key, where, bad);
	else if (len == 0 || len > LB_CHECK_TEXT_MAX)
		conf_error(conf, group, key, "'%s' in %s has %ld bytes; give 1..%d, or remove it", key, where,
			len, LB_CHECK_TEXT_MAX);
	if (len <= 0 || len > LB_CHECK_TEXT_MAX) {
		free(bytes);
		return 0;
	}
	*out = bytes;
	*out_len = (size_t)len;
	return 0;
}

static int read_check(
	const struct conf *conf, const config_setting_t *group, const char *pool, struct lb_check *out)
{
	static const char *const tcp_only[] = {"port", "send", "expect"};
	struct raw_check raw;
	char where[CONF_LABEL_MAX + 16];
	bool sound;
	int err;

	snprintf(where, sizeof(where), "check of %s", pool);
	sound = !conf_read(conf, group, where, check_keys, &raw);
	*out = raw.check;
	out->send = out->expect = NULL;
	out->send_len = out->expect_len = 0;
	if (!out->timeout_ms)
		out->timeout_ms = out->interval_ms < CHECK_TIMEOUT_MS ? out->interval_ms : CHECK_TIMEOUT_MS;
	if (!group)
		return 0;
	if (sound && out->timeout_ms > out->interval_ms)
		conf_error(conf, group, "timeout_ms",
			"'timeout_ms' is %u in %s, longer than its interval_ms %u; "
			"give 10..%u",
			out->timeout_ms, where, out->interval_ms,
			out->interval_ms < 60000 ? out->interval_ms : 60000);
	for (size_t i = 0; i < 3; i++)
		if (out->type != LB_CHECK_TCP && config_setting_get_member(group, "type") &&
			config_setting_get_member(group, tcp_only[i]))
			conf_error(conf, group, tcp_only[i], "'%s' in %s is for type \"tcp\" only; remove it",
				tcp_only[i], where);
	err = read_check_text(conf, group, where, "send", raw.send, &out->send, &out->send_len);
	return err ? err
		   : read_check_text(
			     conf, group, where, "expect", raw.expect, &out->expect, &out->expect_len);
}

static int read_pool(const struct conf *conf, const config_setting_t *group, size_t i, struct lb_pool *out)
{
	char pool[CONF_LABEL_MAX], backend[CONF_LABEL_MAX], where[2 * CONF_LABEL_MAX + 16];
	struct raw_pool raw = {0};
	size_t count;
	int err;

	conf_label(group, "pool", i, pool);
	conf_read(conf, group, pool, pool_keys, &raw);
	*out = raw.pool;
	snprintf(where, sizeof(where), "sticky of %s", pool);
	conf_read(conf, raw.sticky, where, sticky_keys, &out->sticky);
	out->sticky.enabled = raw.sticky;
	err = read_check(conf, raw.check, pool, &out->check);
	count = conf_length(raw.backends);
	if (err || !count)
		return err;
	out->backends = calloc(count, sizeof(*out->backends));
	if (!out->backends)
		return -ENOMEM;
	out->backend_count = count;
	for (size_t j = 0; j < count; j++) {
		const config_setting_t *element = conf_element(raw.backends, j);

		snprintf(where, sizeof(where), "%s of %s", conf_label(element, "backend", j, backend), pool);
		conf_read(conf, element, where, backend_keys, &out->backends[j]);
	}
	return 0;
}

static int read_pools(const struct conf *conf, const config_setting_t *list, struct lb_model *model)
{
	size_t count = conf_length(list);
	int err = 0;

	if (!count)
		return 0;
	model->pools = calloc(count, sizeof(*model->pools));
	if (!model->pools)
		return -ENOMEM;
	model->pool_count = count;
	for (size_t i = 0; i < count && !err; i++)
		err = read_pool(conf, conf_element(list, i), i, &model->pools[i]);
	return err;
}

/* ---- services ---- */

static int read_services(
	const struct conf *conf, const config_setting_t *list, struct lb_model *model, const char **pools)
{
	size_t count = conf_length(list);

	if (!count)
		return 0;
	model->services = calloc(count, sizeof(*model->services));
	if (!model->services)
		return -ENOMEM;
	model->service_count = count;
	for (size_t i = 0; i < count; i++) {
		const config_setting_t *group = conf_element(list, i);
		struct lb_service *service = &model->services[i];
		struct raw_service raw = {0};
		char where[CONF_LABEL_MAX];

		conf_read(conf, group, conf_label(group, "service", i, where), service_keys, &raw);
		*service = raw.service;
		if (!service->idle_timeout_s)
			service->idle_timeout_s = service->protocol == LB_UDP ? UDP_IDLE_S : TCP_IDLE_S;
		pools[i] = raw.pool;
	}
	return 0;
}

/* ---- dataplane ---- */

static void read_interfaces(const struct conf *conf, const config_setting_t *list, struct lb_dataplane *out)
{
	for (size_t i = 0; i < conf_length(list); i++) {
		const char *name = conf_element_text(list, i);
		size_t same = 0;

		if (!conf_interface_is_valid(name)) {
			conf_error(conf, conf_element(list, i), NULL,
				"interface \"%.63s\" in dataplane; "
				"give a name of 1..15 characters without blanks, '/' and ':'",
				name);
			continue;
		}
		while (same < out->interface_count && strcmp(out->interfaces[same], name))
			same++;
		if (same < out->interface_count)
			conf_error(conf, conf_element(list, i), NULL,
				"interface '%s' stands twice in dataplane; "
				"remove one",
				name);
		else
			strcpy(out->interfaces[out->interface_count++], name);
	}
}

/* False when a key was wrong, so that the limits are not what the author meant. */
static bool read_dataplane(const struct conf *conf, const config_setting_t *group, struct lb_dataplane *out)
{
	struct raw_dataplane raw = {0};
	bool sound = !conf_read(conf, group, "dataplane", dataplane_keys, &raw);

	*out = raw.dataplane;
	read_interfaces(conf, raw.interfaces, out);
	if (!out->max_half_open)
		out->max_half_open = out->max_flows / 16;
	if (sound && out->max_half_open > out->max_flows / 4)
		conf_error(conf, group, "max_half_open",
			"'max_half_open' is %u in dataplane, more than a quarter of "
			"max_flows; give 64..%u",
			out->max_half_open, out->max_flows / 4);
	return sound;
}

/* ---- the whole ---- */

_Static_assert(LB_NAME_MAX == CONF_NODE_NAME_MAX, "a node's name fits the model");

static int read_file(const struct conf *conf, const char *node, struct lb_model *model)
{
	struct lb_conf_parts parts = {.conf = conf, .model = model};
	struct conf_nodes nodes;
	struct raw_file raw;
	int err;

	conf_read(conf, conf_root(conf), "the file", file_keys, &raw);
	parts.pools = raw.pools;
	parts.services = raw.services;
	parts.service_pools = calloc(conf_length(raw.services) + 1, sizeof(*parts.service_pools));
	if (!parts.service_pools)
		return -ENOMEM;
	conf_nodes_read(conf, raw.nodes, node, &nodes);
	if (conf_nodes_self(&nodes))
		memcpy(model->node, conf_nodes_self(&nodes)->name, sizeof(model->node));
	err = conf_peer_read(conf, raw.peer, &nodes, &model->peer);
	if (!err)
		err = read_pools(conf, raw.pools, model);
	if (!err)
		err = read_services(conf, raw.services, model, parts.service_pools);
	if (!err) {
		parts.limited = read_dataplane(conf, raw.dataplane, &model->dataplane);
		err = lb_conf_check(&parts);
	}
	free(parts.service_pools);
	return err;
}

struct reading {
	const char *node;
	struct lb_model *model;
};

static int read_it(const struct conf *conf, const struct conf_errors *errors, void *ctx)
{
	const struct reading *r = ctx;

	return read_file(conf, r->node, r->model);
}

/* On an error the model is empty again. */
static int loaded(struct lb_model *model, int err)
{
	if (err)
		lb_model_clear(model);
	return err;
}

int lb_conf_load(const char *path, const char *node, struct lb_model *out, struct conf_errors *errors)
{
	struct reading reading = {.node = node, .model = out};

	memset(out, 0, sizeof(*out));
	return loaded(out, conf_load(path, read_it, &reading, errors));
}

int lb_conf_load_memory(const char *name, const void *buf, size_t len, const char *node, struct lb_model *out,
	struct conf_errors *errors)
{
	struct reading reading = {.node = node, .model = out};

	memset(out, 0, sizeof(*out));
	return loaded(out, conf_load_memory(name, buf, len, read_it, &reading, errors));
}
