/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lb/lb_store.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void store_path(char *out, size_t size, const char *run_dir, const char *suffix)
{
	snprintf(out, size, "%s/lb.state%s", run_dir, suffix);
}

/* ---- save ---- */

static json_t *backend_json(const struct lb_live_backend *b)
{
	char addr[ADDR_TEXT_MAX];

	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:b, s:s, s:i, s:s, s:I, s:s}", "name", b->conf->name, "address",
		addr_format(&b->conf->addr, addr), "port", (int)b->conf->port, "index", (int)b->index, "weight",
		(int)b->conf->weight, "backup", b->conf->backup, "admin", lb_admin_name(b->admin), "override",
		b->weight_override, "state", lb_live_state_name(b), "since_ms", (json_int_t)b->since_ms, "cause", b->cause);
}

static json_t *pool_json(const struct lb_live_pool *pool)
{
	json_t *backends = json_array();

	for (size_t i = 0; i < pool->conf->backend_count; i++)
		json_array_append_new(backends, backend_json(pool->backends[i]));
	return json_pack("{s:s, s:i, s:s, s:o}", "name", pool->conf->name, "index", (int)pool->index, "check",
		lb_check_type_name(pool->conf->check.type), "backends", backends);
}

static json_t *service_json(const struct lb_live *live, const struct lb_live_service *s)
{
	char addr[ADDR_TEXT_MAX];

	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:s}", "name", s->conf->name, "address",
		addr_format(&s->conf->addr, addr), "port", (int)s->conf->port, "protocol", (int)s->conf->protocol, "index",
		(int)s->index, "pool", live->model.pools[s->conf->pool].name);
}

int lb_store_save(const struct lb_live *live, const char *run_dir)
{
	json_t *pools = json_array(), *services = json_array(), *root;
	char path[300], fresh[300];
	int fd, err = 0;

	for (size_t i = 0; i < live->model.pool_count; i++)
		json_array_append_new(pools, pool_json(&live->pools[i]));
	for (size_t i = 0; i < live->model.service_count; i++)
		json_array_append_new(services, service_json(live, &live->services[i]));
	root = json_pack("{s:i, s:o, s:o}", "version", LB_STORE_VERSION, "pools", pools, "services", services);
	if (!root)
		return -ENOMEM;
	store_path(path, sizeof(path), run_dir, "");
	store_path(fresh, sizeof(fresh), run_dir, ".new");
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		err = -errno;
	else if (json_dumpfd(root, fd, JSON_COMPACT))
		err = -EIO;
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (!err && rename(fresh, path))
		err = -errno;
	json_decref(root);
	return err;
}

/* ---- load ---- */

static enum lb_admin admin_named(const char *name)
{
	for (enum lb_admin a = LB_ADMIN_ENABLED; a <= LB_ADMIN_DISABLED; a++)
		if (!strcmp(name, lb_admin_name(a)))
			return a;
	return LB_ADMIN_ENABLED;
}

static int load_backend(struct lb_live *live, struct lb_live_pool *pool, struct lb_backend *conf,
	struct lb_live_backend **out, json_t *json)
{
	const char *name, *address, *admin, *state, *cause;
	int port, index, weight, backup, override;
	json_int_t since;
	struct lb_live_backend *b;

	if (json_unpack(json, "{s:s, s:s, s:i, s:i, s:i, s:b, s:s, s:i, s:s, s:I, s:s}", "name", &name, "address", &address,
		    "port", &port, "index", &index, "weight", &weight, "backup", &backup, "admin", &admin, "override",
		    &override, "state", &state, "since_ms", &since, "cause", &cause))
		return -EINVAL;
	if (addr_parse(address, &conf->addr) || port < 1 || port > 65535 || index < 0 || weight < 0 ||
		weight > LB_WEIGHT_MAX || override < -1 || override > LB_WEIGHT_MAX || strlen(name) > LB_NAME_MAX ||
		lb_ids_claim(&live->backend_ids, (uint32_t)index))
		return -EINVAL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	snprintf(conf->name, sizeof(conf->name), "%s", name);
	conf->port = (uint16_t)port;
	conf->weight = (uint16_t)weight;
	conf->backup = backup;
	b->live = live;
	b->pool = pool;
	b->conf = conf;
	b->index = (uint16_t)index;
	b->serving = live->bpf->view.backends[index].flags & LB_BACKEND_SERVING;
	b->admin = admin_named(admin);
	b->weight_override = override;
	b->since_ms = (uint64_t)since;
	b->verdict.state = !strcmp(state, "up") ? LB_VERDICT_UP : !strcmp(state, "down") ? LB_VERDICT_DOWN : LB_VERDICT_CHECKING;
	snprintf(b->cause, sizeof(b->cause), "%s", cause);
	lb_probe_init(&b->probe, &live->prober, &pool->conf->check, &conf->addr, conf->port, lb_live_on_report, b);
	*out = b;
	return 0;
}

/* The check's kind counts only as far as: none or another. Its probe is not started before lb_apply has seen it. */
static int load_pool(struct lb_live *live, struct lb_live_pool *pool, struct lb_pool *conf, json_t *json)
{
	const char *name, *check;
	json_t *backends;
	int index;

	if (json_unpack(json, "{s:s, s:i, s:s, s:o}", "name", &name, "index", &index, "check", &check, "backends", &backends))
		return -EINVAL;
	if (!json_is_array(backends) || index < 0 || strlen(name) > LB_NAME_MAX ||
		json_array_size(backends) > LB_POOL_BACKENDS_MAX || lb_ids_claim(&live->pool_ids, (uint32_t)index))
		return -EINVAL;
	snprintf(conf->name, sizeof(conf->name), "%s", name);
	conf->check.type = strcmp(check, "none") ? LB_CHECK_TCP : LB_CHECK_NONE;
	conf->backends = calloc(json_array_size(backends) + 1, sizeof(*conf->backends));
	pool->backends = calloc(json_array_size(backends) + 1, sizeof(*pool->backends));
	pool->conf = conf;
	pool->index = (uint32_t)index;
	if (!conf->backends || !pool->backends)
		return -ENOMEM;

	uint64_t table = live->bpf->view.pools[index].table;

	pool->table_base = (uint32_t)(table >> 32);
	if (lb_regions_claim(&live->regions, pool->table_base, (uint32_t)table))
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(backends); i++) {
		int err = load_backend(live, pool, &conf->backends[i], &pool->backends[i], json_array_get(backends, i));

		if (err)
			return err;
		conf->backend_count++;
	}
	return 0;
}

static int load_service(struct lb_live *live, struct lb_live_service *s, struct lb_service *conf, json_t *json)
{
	const char *name, *address, *pool;
	int port, protocol, index;
	long at;

	if (json_unpack(json, "{s:s, s:s, s:i, s:i, s:i, s:s}", "name", &name, "address", &address, "port", &port, "protocol",
		    &protocol, "index", &index, "pool", &pool))
		return -EINVAL;
	at = lb_model_find_pool(&live->model, pool);
	if (addr_parse(address, &conf->addr) || port < 1 || port > 65535 || (protocol != LB_TCP && protocol != LB_UDP) ||
		index < 0 || at < 0 || strlen(name) > LB_NAME_MAX || lb_ids_claim(&live->service_ids, (uint32_t)index))
		return -EINVAL;
	snprintf(conf->name, sizeof(conf->name), "%s", name);
	conf->port = (uint16_t)port;
	conf->protocol = (enum lb_protocol)protocol;
	conf->pool = (size_t)at;
	s->conf = conf;
	s->index = (uint32_t)index;
	return 0;
}

static int load_all(struct lb_live *live, json_t *root)
{
	json_t *pools, *services;
	int version, err = 0;

	if (json_unpack(root, "{s:i, s:o, s:o}", "version", &version, "pools", &pools, "services", &services) ||
		version != LB_STORE_VERSION || !json_is_array(pools) || !json_is_array(services))
		return -EINVAL;

	size_t pool_count = json_array_size(pools), service_count = json_array_size(services);

	live->model.pools = calloc(pool_count + 1, sizeof(*live->model.pools));
	live->pools = calloc(pool_count + 1, sizeof(*live->pools));
	live->model.services = calloc(service_count + 1, sizeof(*live->model.services));
	live->services = calloc(service_count + 1, sizeof(*live->services));
	if (!live->model.pools || !live->pools || !live->model.services || !live->services)
		return -ENOMEM;
	for (size_t i = 0; i < pool_count && !err; i++) {
		live->model.pool_count++;
		err = load_pool(live, &live->pools[i], &live->model.pools[i], json_array_get(pools, i));
	}
	for (size_t i = 0; i < service_count && !err; i++) {
		err = load_service(live, &live->services[i], &live->model.services[i], json_array_get(services, i));
		if (!err)
			live->model.service_count++;
	}
	return err;
}

int lb_store_load(struct lb_live *live, const char *run_dir, char *error, size_t error_size)
{
	struct ev_loop *loop = live->loop;
	struct lb_bpf *bpf = live->bpf;
	json_error_t why;
	char path[300];
	json_t *root;
	int err;

	store_path(path, sizeof(path), run_dir, "");
	if (access(path, F_OK))
		return -ENOENT;
	root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	err = root ? load_all(live, root) : -EINVAL;
	json_decref(root);
	if (!err)
		return 0;
	snprintf(error, error_size, "%s: not a state file that fits the pinned dataplane (%s)", path,
		root ? "its contents" : why.text);
	lb_live_close(live);
	return lb_live_open(live, loop, bpf) ? -ENOMEM : -EINVAL;
}

void lb_store_assume_all(struct lb_live *live)
{
	const struct lb_bpf_view *v = &live->bpf->view;

	for (uint32_t i = 0; i < live->bpf->sizes.backends; i++)
		if (v->backends[i].family && !lb_ids_claim(&live->backend_ids, i))
			lb_ids_retire(&live->backend_ids, i, live->walk);
	for (uint32_t i = 0; i < live->bpf->sizes.services; i++)
		if (v->services[i].protocol && !lb_ids_claim(&live->service_ids, i))
			lb_ids_retire(&live->service_ids, i, live->walk);
	for (uint32_t i = 0; i < live->bpf->sizes.pools; i++) {
		uint64_t table = v->pools[i].table;

		if ((v->pools[i].hash_seed || table) && !lb_ids_claim(&live->pool_ids, i)) {
			lb_ids_retire(&live->pool_ids, i, live->walk);
			if (!lb_regions_claim(&live->regions, (uint32_t)(table >> 32), (uint32_t)table))
				lb_regions_give(&live->regions, (uint32_t)(table >> 32), lb_live_steady_ms());
		}
	}
}
